// Reads. They go to the primary and see all that was answered before they began. A record past its expiry is
// not there, whether or not the database's broom has come by.
import assert from 'node:assert/strict';
import type { Document, Filter, Sort } from 'mongodb';
import type { Clock } from '../../core/clock.ts';
import { type Body, valueAt } from '../body.ts';
import { cursorText } from '../cursor.ts';
import { keyValueOf } from '../key-text.ts';
import { pageLimit } from '../page-limit.ts';
import type { Identified, ListOptions, Page } from '../store.ts';
import { decodedBody, documentPath, encodedValue } from './body-encoding.ts';
import { allOf, liveFilters } from './filters.ts';
import { isLive, type Kind, type RecordDocument } from './kind.ts';
import { beyondPlace, unscanned } from './places.ts';
import { claimKey, recordKey, textOfKey } from './record-key.ts';

const BODY_ALONE = { projection: { _id: 0, b: 1 } } as const;

/** The records that a page is cut from. */
interface Listing {
  readonly filter: Filter<RecordDocument>;
  readonly sort: Sort;
  readonly limit: number;
}

interface Found {
  readonly document: RecordDocument;
  readonly body: Body;
}

export class Reader {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async get(kind: Kind, id: string): Promise<Body | undefined> {
    const document = await kind.records.findOne({ _id: recordKey(kind.type, id) }, BODY_ALONE);
    return this.#liveBody(kind, document);
  }

  /** By the claim on the value, which counts only while its record is live and has the value. */
  async find(kind: Kind, field: string, value: string): Promise<Body | undefined> {
    const { type, records, claims } = kind;
    assert(type.unique.includes(field), `"${field}" is no unique field of ${type.name}`);

    const _id = claimKey(type, field, value);
    const claim = await claims.findOne({ _id }, { projection: { _id: 0, r: 1 } });
    if (claim === null) return undefined;

    const body = this.#liveBody(kind, await records.findOne({ _id: claim.r }, BODY_ALONE));
    return body !== undefined && valueAt(body, [field]) === value ? body : undefined;
  }

  async list(kind: Kind, index: string, value: string, options: ListOptions): Promise<Page<Body>> {
    const { type } = kind;
    const declared = Object.hasOwn(type.indexes, index) ? type.indexes[index] : undefined;
    assert(declared !== undefined, `"${index}" is no index of ${type.name}`);

    const { field, orderBy } = declared;
    const limit = pageLimit(options);
    const { found, last } = await this.#page(kind, {
      limit,
      filter: allOf([
        { k: type.name, [documentPath([field])]: encodedValue(value, 1) },
        ...liveFilters(type, this.#clock.now()),
        ...beyondPlace(options, orderBy),
      ]),
      sort: inOrder(orderBy === undefined ? ['i'] : [documentPath([orderBy]), 'i'], options),
    });

    const records = found.map(({ body }) => body);
    if (last === undefined) return { records };
    const place = orderBy === undefined ? undefined : placeOf(last.body, orderBy);
    return { records, next: cursorText({ ...(place !== undefined && { place }), key: last.document.i }) };
  }

  async scan(kind: Kind, options: ListOptions): Promise<Page<Identified<Body>>> {
    const limit = pageLimit(options);
    const { found, last } = await this.#page(kind, {
      limit,
      filter: allOf([unscanned(kind.type, options), ...liveFilters(kind.type, this.#clock.now())]),
      sort: inOrder(['_id'], options),
    });

    const records = found.map(({ document, body }) => ({ id: keyValueOf(document.i), body }));
    return last === undefined
      ? { records }
      : { records, next: cursorText({ key: textOfKey(last.document._id) }) };
  }

  /** Asks for one record more than the page holds, to know whether another page follows its last one. */
  async #page(
    { records }: Kind,
    { filter, sort, limit }: Listing,
  ): Promise<{ found: Found[]; last: Found | undefined }> {
    const projection = { i: 1, b: 1 };
    // All in one answer, unless they are more than an answer holds.
    const documents = await records
      .find(filter, { projection, sort, limit: limit + 1, batchSize: limit + 2 })
      .toArray();

    const found = documents.slice(0, limit).map((document) => ({ document, body: decodedBody(document.b) }));
    return { found, last: documents.length > limit ? found.at(-1) : undefined };
  }

  #liveBody({ type }: Kind, document: Document | null): Body | undefined {
    const body = document === null ? undefined : decodedBody(document.b);
    return body !== undefined && isLive(type, body, this.#clock.now()) ? body : undefined;
  }
}

function inOrder(fields: readonly string[], { newestFirst = false }: ListOptions): Sort {
  return Object.fromEntries(fields.map((field) => [field, newestFirst ? -1 : 1]));
}

/** Before all numbers where there is none. */
function placeOf(body: Body, orderBy: string): number {
  const place = valueAt(body, [orderBy]);
  return typeof place === 'number' ? place : Number.NEGATIVE_INFINITY;
}
