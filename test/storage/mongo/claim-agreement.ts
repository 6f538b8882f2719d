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
export function disagreements(
  { claims, records }: ClaimsAndRecords,
  { types, now }: { types: readonly RecordType<object>[]; now: number },
): string[] {
  const claimed = new Map(claims.map((claim) => [claim._id.toString('hex'), claim]));
  const complaints: string[] = [];
  const known = new Set<string>();

  for (const record of records) {
    const type = types.find(({ name }) => name === record.k);
    const body = decodedBody(record.b);
    if (type === undefined) continue;
    const isOver = !isLive(type, body, now);

    for (const [field, value] of uniqueValues(type, body)) {
      const key = claimKey(type, field, value).toString('hex');
      known.add(`${key} ${record._id.toString('hex')}`);
      const what = `${field} of ${type.name} ${record.i}`;
      const claim = claimed.get(key);
      if (isOver) continue;
      if (claim?.r.toString('hex') !== record._id.toString('hex')) complaints.push(`${what} is not claimed`);
      else if (claim.x?.getTime() !== record.x?.getTime())
        complaints.push(`${what} is claimed for another time`);
    }
  }

  const stray = claims
    .filter(({ x }) => x === undefined || x.getTime() > now)
    .filter(({ _id, r }) => !known.has(`${_id.toString('hex')} ${r.toString('hex')}`))
    .map(({ _id }) => `the claim ${_id.toString('hex')} is on a value that its record does not have`);
  return [...complaints, ...stray];
}
