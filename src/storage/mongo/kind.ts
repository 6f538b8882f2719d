// A record type as the driver works with it, and the documents that its records are.
import assert from 'node:assert/strict';
import type { Binary, Collection, Db, Document } from 'mongodb';
import { type Body, valueAt } from '../body.ts';
import type { EncodedWrite } from '../encoded-write.ts';
import { keyText } from '../key-text.ts';
import type { Path, RecordType } from '../record-type.ts';
import { encodedBody } from './body-encoding.ts';
import { CLAIMS, collectionOf } from './layout.ts';
import { recordKey } from './record-key.ts';

export interface RecordDocument {
  _id: Binary;
  /** The name of the type. */
  k: string;
  /** The id. */
  i: string;
  /** The body. */
  b: Document;
  /** From when on the database may remove it; for its broom alone. */
  x?: Date;
  /** Counts writes that changed nothing else, so that of two transactions that meet here one fails. */
  t?: number;
}

export interface ClaimDocument {
  _id: Binary;
  /** The key of the record that has the value. */
  r: Binary;
  x?: Date;
  t?: number;
}

export interface Kind {
  readonly type: RecordType<object>;
  readonly records: Collection<RecordDocument>;
  readonly claims: Collection<ClaimDocument>;
}

/** A write and the kind of its record. */
export interface KindWrite<Write extends EncodedWrite = EncodedWrite> {
  readonly kind: Kind;
  readonly write: Write;
}

/** An answer means: on a majority of the servers, and on disk there. Given up on after a while, not waited for. */
export const DURABLE = { w: 'majority', journal: true, wtimeoutMS: 5_000 } as const;

/** How long past its expiry a record is left to the broom, whose clock may be ahead of the store's. */
const BROOM_GRACE_MS = 5 * 60_000;
/** The end of the year 9999: later dates are not known to every program that may read the database. */
const DATE_MAX = 253_402_300_799_999;

export function kindsOf(db: Db, types: readonly RecordType<object>[]): ReadonlyMap<string, Kind> {
  const options = { readPreference: 'primary', readConcern: 'local', writeConcern: DURABLE } as const;
  const kinds = types.map((type): [string, Kind] => [
    type.name,
    {
      type,
      records: db.collection<RecordDocument>(collectionOf(type), options),
      claims: db.collection<ClaimDocument>(CLAIMS, options),
    },
  ]);
  const byName = new Map(kinds);
  assert(byName.size === types.length, 'two record types have the same name');
  return byName;
}

/** The document of a record that is written whole. */
export function documentOf({ type }: Kind, id: string, body: Body): RecordDocument {
  for (const [field, value] of Object.entries(body)) assertOrderable(type, [field], value);
  const x = broomTime(type, body);
  return {
    _id: recordKey(type, id),
    k: type.name,
    i: keyText(id),
    b: encodedBody(body),
    ...(x !== undefined && { x }),
  };
}

/** Whether a record with this body is there at this time. */
export function isLive({ expiresAt }: RecordType<object>, body: Body, now: number): boolean {
  const expiry = expiresAt === undefined ? undefined : valueAt(body, [expiresAt]);
  return typeof expiry !== 'number' || expiry > now;
}

/** The unique values of a body, with their fields. */
export function uniqueValues(type: RecordType<object>, body: Body): [field: string, value: string][] {
  return type.unique.flatMap((field) => {
    const value = valueAt(body, [field]);
    return typeof value === 'string' ? [[field, value]] : [];
  });
}

export function broomTime({ expiresAt }: RecordType<object>, body: Body): Date | undefined {
  return expiresAt === undefined ? undefined : broomTimeAt(valueAt(body, [expiresAt]));
}

export function broomTimeAt(expiry: unknown): Date | undefined {
  if (typeof expiry !== 'number') return undefined;
  return new Date(Math.min(Math.max(expiry + BROOM_GRACE_MS, 0), DATE_MAX));
}

/**
 * Throws where the field is one that lists are ordered by and the value no number: MongoDB would sort it behind
 * the numbers instead of before them, where no cursor finds it again.
 */
export function assertOrderable(type: RecordType<object>, [field, ...inside]: Path, value: unknown): void {
  const orders = Object.values(type.indexes).some(({ orderBy }) => orderBy === field);
  if (!orders) return;

  const isNumber = inside.length === 0 && typeof (value ?? 0) === 'number';
  assert(isNumber, `"${field}" of ${type.name} orders lists, so it holds a number or nothing`);
}
