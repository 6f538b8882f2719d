// Whether the claims on unique values and the records that have them agree, as a commit writes both or none: a
// claim without its record would keep a value from everybody for ever, a record without its claim would share it.
import type { Db } from 'mongodb';
import { decodedBody } from '../../../src/storage/mongo/body-encoding.ts';
import {
  type ClaimDocument,
  isLive,
  type RecordDocument,
  uniqueValues,
} from '../../../src/storage/mongo/kind.ts';
import { CLAIMS, collectionOf } from '../../../src/storage/mongo/layout.ts';
import { claimKey } from '../../../src/storage/mongo/record-key.ts';
import type { RecordType } from '../../../src/storage/record-type.ts';

export interface ClaimsAndRecords {
  claims: readonly ClaimDocument[];
  /** Of the types that have unique values. */
  records: readonly RecordDocument[];
}

export async function readClaims(db: Db, types: readonly RecordType<object>[]): Promise<ClaimsAndRecords> {
  const claims = await db.collection<ClaimDocument>(CLAIMS).find().toArray();
  const records = types
    .filter(({ unique }) => unique.length > 0)
    .map((type) => db.collection<RecordDocument>(collectionOf(type)).find({ k: type.name }).toArray());
  return { claims, records: (await Promise.all(records)).flat() };
}

/** A sentence for each that has no counterpart. What has expired may be swept one before the other. */
export function disagreements({ claims, records }: ClaimsAndRecords, terms: Terms): string[] {
  const values = records.flatMap((record) => valuesOf(record, terms));
  const claimed = new Map(claims.map((claim) => [claim._id.toString('hex'), claim]));
  const had = new Map(values.map((value) => [`${value.key} ${value.record._id.toString('hex')}`, value]));

  const unclaimed = values.filter(({ isLive }) => isLive).flatMap((value) => claimComplaints(value, claimed));
  const stray = claims
    .filter(({ x }) => x === undefined || x.getTime() > terms.now)
    .filter(({ _id, r }) => !had.has(`${_id.toString('hex')} ${r.toString('hex')}`))
    .map(({ _id }) => `the claim ${_id.toString('hex')} is on a value that its record does not have`);
  return [...unclaimed, ...stray];
}

interface Terms {
  types: readonly RecordType<object>[];
  /** Milliseconds since the epoch, by the clock of the store. */
  now: number;
}

interface UniqueValue {
  /** Of its claim. */
  key: string;
  field: string;
  record: RecordDocument;
  isLive: boolean;
}

function valuesOf(record: RecordDocument, { types, now }: Terms): UniqueValue[] {
  const type = types.find(({ name }) => name === record.k);
  if (type === undefined) throw new Error(`no type has the name ${record.k}`);

  const body = decodedBody(record.b);
  return uniqueValues(type, body).map(([field, value]) => ({
    key: claimKey(type, field, value).toString('hex'),
    field,
    record,
    isLive: isLive(type, body, now),
  }));
}

function claimComplaints(
  { key, field, record }: UniqueValue,
  claims: ReadonlyMap<string, ClaimDocument>,
): string[] {
  const claim = claims.get(key);
  const what = `${field} of ${record.k} ${record.i}`;
  if (claim?.r.toString('hex') !== record._id.toString('hex')) return [`${what} is not claimed for it`];
  if (claim.x?.getTime() !== record.x?.getTime()) return [`${what} is claimed until another time`];
  return [];
}
