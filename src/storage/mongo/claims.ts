// Unique values. MongoDB can enforce uniqueness across shards for `_id` alone, so each unique value of a record
// is claimed by a document whose `_id` is made of it. Who gives a record a unique value writes the claim in the
// same transaction, also where it has it already; so of two that want one value, at most one commits.
//
// A claim counts only while its record is live and has the value: one whose record has expired may be taken.
import type { AnyBulkWriteOperation, Binary, ClientSession } from 'mongodb';
import { type Body, valueAt } from '../body.ts';
import type { Failure } from '../preconditions.ts';
import { decodedBody } from './body-encoding.ts';
import { broomTime, type ClaimDocument, isLive, type Kind, uniqueValues } from './kind.ts';
import { claimKey, isSameKey } from './record-key.ts';

export type ClaimOperation = AnyBulkWriteOperation<ClaimDocument>;

interface Taking {
  /** Made of the value. */
  readonly key: Binary;
  /** The record that gets the value. */
  readonly holder: Binary;
  readonly x: Date | undefined;
  /** The record that no longer has it, where the claim is still in its name. */
  readonly from?: Binary | undefined;
}

export interface ClaimJudging {
  readonly session: ClientSession;
  readonly now: number;
  /** The claims that earlier writes of the same commit take. */
  readonly taken: Set<string>;
}

/** The record as it was, expired or not, and as it will be; either may be nothing. */
interface Change {
  readonly key: Binary;
  readonly before: Body | undefined;
  readonly after: Body | undefined;
}

/** Takes the unique values of a record that is there for the first time. Duplicate key: another has one. */
export function claimsOfNew({ type }: Kind, holder: Binary, body: Body): ClaimOperation[] {
  const x = broomTime(type, body);
  return uniqueValues(type, body).map(([field, value]) =>
    takeOperation({ key: claimKey(type, field, value), holder, x }),
  );
}

/**
 * Fails where another live record, or an earlier write of this commit, has a unique value that the record is to
 * have; answers with what takes its values and frees those that it no longer has.
 */
export async function judgeClaims(
  kind: Kind,
  { key: holder, before, after }: Change,
  judging: ClaimJudging,
): Promise<Failure | ClaimOperation[]> {
  const wanted = after === undefined ? [] : uniqueValues(kind.type, after);
  const x = after && broomTime(kind.type, after);
  const operations: ClaimOperation[] = [];

  for (const [field, value] of wanted) {
    const key = claimKey(kind.type, field, value);
    const from = await holderOf(kind, key, judging.session);
    const another = from !== undefined && !isSameKey(from, holder);
    if (judging.taken.has(key.toString('hex'))) return { cause: 'not_unique' };
    if (another && (await hasValue(kind, from, { field, value, ...judging }))) return { cause: 'not_unique' };

    judging.taken.add(key.toString('hex'));
    operations.push(takeOperation({ key, holder, x, from }));
  }

  const freed = before === undefined ? [] : uniqueValues(kind.type, before).filter(isLost);
  return [...operations, ...freed.map(([field, value]) => freeOperation(kind, holder, field, value))];

  function isLost([field, value]: [string, string]): boolean {
    return !wanted.some(([name, kept]) => name === field && kept === value);
  }
}

async function holderOf({ claims }: Kind, key: Binary, session: ClientSession): Promise<Binary | undefined> {
  const claim = await claims.findOne({ _id: key }, { session, projection: { _id: 0, r: 1 } });
  return claim?.r;
}

async function hasValue(
  { type, records }: Kind,
  key: Binary,
  { field, value, session, now }: { field: string; value: string; session: ClientSession; now: number },
): Promise<boolean> {
  const record = await records.findOne({ _id: key }, { session, projection: { _id: 0, b: 1 } });
  const body = record && decodedBody(record.b);
  return body !== null && isLive(type, body, now) && valueAt(body, [field]) === value;
}

function takeOperation({ key, holder, x, from = holder }: Taking): ClaimOperation {
  const update = {
    $set: { r: holder, ...(x !== undefined && { x }) },
    ...(x === undefined && { $unset: { x: '' as const } }),
    // A write that changes nothing would not be in the way of another transaction.
    $inc: { t: 1 },
  };
  return { updateOne: { filter: { _id: key, r: { $in: [holder, from] } }, update, upsert: true } };
}

function freeOperation({ type }: Kind, holder: Binary, field: string, value: string): ClaimOperation {
  return { deleteOne: { filter: { _id: claimKey(type, field, value), r: holder } } };
}
