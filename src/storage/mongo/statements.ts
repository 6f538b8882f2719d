// What each write is in MongoDB's words: one statement on one document, which finds it only where the write's
// preconditions hold.
import assert from 'node:assert/strict';
import type { Document, Filter, UpdateFilter } from 'mongodb';
import { bodyOf, type EncodedChange } from '../body.ts';
import type { EncodedWrite, EncodedWriteOf } from '../encoded-write.ts';
import type { Path } from '../record-type.ts';
import { encodedValue } from './body-encoding.ts';
import { checkedPath, expiredRecord, liveRecord } from './filters.ts';
import { assertOrderable, broomTimeAt, documentOf, type Kind, type RecordDocument } from './kind.ts';
import { recordKey } from './record-key.ts';

type RecordFilter = Filter<RecordDocument>;

/** One statement on one document; a subset of what the driver's bulk writes take. */
export type Operation =
  | { readonly insertOne: { readonly document: RecordDocument } }
  | {
      readonly replaceOne: {
        readonly filter: RecordFilter;
        readonly replacement: RecordDocument;
        readonly upsert: true;
      };
    }
  | {
      readonly updateOne: {
        readonly filter: RecordFilter;
        readonly update: UpdateFilter<RecordDocument>;
        readonly upsert?: true;
      };
    }
  | { readonly deleteOne: { readonly filter: RecordFilter } };

/** Makes two transactions that meet at a record conflict even where one of them leaves it as it is. */
export const TOUCH: UpdateFilter<RecordDocument> = { $inc: { t: 1 } };

export interface StatementTerms {
  readonly now: number;
  /** Whether a patch touches the record besides, so that it is a write even where it changes no value. */
  readonly touching: boolean;
}

export function operationOf(kind: Kind, write: EncodedWrite, { now, touching }: StatementTerms): Operation {
  const { type } = kind;
  switch (write.kind) {
    case 'insert':
      return insertion(kind, write, now);
    case 'put': {
      const replacement = documentOf(kind, write.id, bodyOf(write.json));
      return { replaceOne: { filter: { _id: replacement._id }, replacement, upsert: true } };
    }
    case 'patch': {
      const filter = liveRecord(type, write.id, { now, when: write.when });
      const update = updateOf(kind, write.set);
      return { updateOne: { filter, update: touching ? { ...update, ...TOUCH } : update } };
    }
    case 'check':
      return { updateOne: { filter: liveRecord(type, write.id, { now, when: write.when }), update: TOUCH } };
    case 'remove':
      return { deleteOne: { filter: removable(kind, write, now) } };
  }
}

/** Whether the statement has failed where it found nothing. */
export function mustFind(write: EncodedWrite): boolean {
  return write.kind !== 'remove' || write.when.length > 0;
}

/** Whether one change of a patch is about a part of what another sets, so that no one statement says both. */
export function isTangled(set: readonly EncodedChange[]): boolean {
  const paths = set.map(([path]) => path);
  return paths.some((path, at) => paths.some((other, place) => at !== place && leadsTo(path, other)));
}

/** What is made of each, by the collection that it is for. */
export function byCollection<Each extends { readonly kind: Kind }, Made>(
  all: readonly Each[],
  make: (each: Each) => Made,
): Iterable<[records: Kind['records'], made: Made[]]> {
  const groups = new Map<string, [Kind['records'], Made[]]>();
  for (const each of all) {
    const { records } = each.kind;
    const group = groups.get(records.collectionName) ?? [records, []];
    group[1].push(make(each));
    groups.set(records.collectionName, group);
  }
  return groups.values();
}

/** Those of one command side by side, since the driver begins a new one at each change between them. */
export function inCommandOrder<Each extends object>(operations: readonly Each[]): Each[] {
  return operations.toSorted((one, other) => commandOf(one) - commandOf(other));
}

function commandOf(operation: object): number {
  if ('insertOne' in operation) return 0;
  return 'deleteOne' in operation ? 2 : 1;
}

/** An expired record in the way is replaced; one that is live makes a duplicate key. */
function insertion(kind: Kind, { id, json }: EncodedWriteOf<'insert'>, now: number): Operation {
  const document = documentOf(kind, id, bodyOf(json));
  const filter = expiredRecord(kind.type, id, now);
  if (filter === undefined) return { insertOne: { document } };
  return { replaceOne: { filter, replacement: document, upsert: true } };
}

function removable({ type }: Kind, { id, when }: EncodedWriteOf<'remove'>, now: number) {
  return when.length === 0 ? { _id: recordKey(type, id) } : liveRecord(type, id, { now, when });
}

function updateOf({ type }: Kind, changes: readonly EncodedChange[]): UpdateFilter<RecordDocument> {
  const $set: Document = {};
  const $unset: Document = {};

  for (const [path, json] of changes) {
    const value: unknown = json === undefined ? undefined : JSON.parse(json);
    if (value === undefined) $unset[checkedPath(path)] = '';
    else $set[checkedPath(path)] = encodedValue(value, path.length);

    assertOrderable(type, path, value);
    if (!isField(path, type.expiresAt)) continue;
    const x = broomTimeAt(value);
    if (x === undefined) $unset.x = '';
    else $set.x = x;
  }
  return { ...(notEmpty($set) && { $set }), ...(notEmpty($unset) && { $unset }) };
}

function isField(path: Path, field: string | undefined): boolean {
  return path.length === 1 && path[0] === field;
}

function leadsTo(path: Path, other: Path): boolean {
  assert(path.length > 0, 'the path of a change names at least one key');
  return path.length <= other.length && path.every((key, depth) => other[depth] === key);
}

function notEmpty(document: Document): boolean {
  return Object.keys(document).length > 0;
}
