// A transaction that reads nothing: each write finds its record only where its preconditions hold, and the
// numbers of records found tell whether all of them did. Where not, nothing is kept and the commit is judged
// with care (careful.ts), which says what stood in the way.
import type { BulkWriteResult, ClientSession } from 'mongodb';
import { bodyOf } from '../body.ts';
import { type ClaimOperation, claimsOfNew } from './claims.ts';
import { isRefusal } from './failures.ts';
import type { KindWrite } from './kind.ts';
import { recordKey } from './record-key.ts';
import { byCollection, inCommandOrder, isTangled, mustFind, operationOf } from './statements.ts';
import type { Attempt } from './transactions.ts';

/** Whether the write can only be made by who knows the record: its claims change, or it takes several steps. */
export function needsReading({ kind: { type }, write }: KindWrite): boolean {
  if (write.kind === 'patch' && isTangled(write.set)) return true;
  if (type.unique.length === 0) return false;
  if (write.kind === 'put' || write.kind === 'remove') return true;
  if (write.kind !== 'patch') return false;

  const claimed = [...type.unique, type.expiresAt];
  return write.set.some(([path]) => claimed.includes(path[0]));
}

/** Claims of records that the writes make. */
export function newClaims({ kind, write }: KindWrite): ClaimOperation[] {
  if (write.kind !== 'insert' || kind.type.unique.length === 0) return [];
  return claimsOfNew(kind, recordKey(kind.type, write.id), bodyOf(write.json));
}

/** Applies the writes; the result says whether all preconditions held. */
export async function attemptAll(
  writes: readonly KindWrite[],
  { session, now }: { session: ClientSession; now: number },
): Promise<Attempt<boolean>> {
  const held = { keep: true, result: true };
  const failed = { keep: false, result: false };
  // How many a removal without conditions finds says nothing, so those are counted apart.
  const counted = writes.filter(({ write }) => mustFind(write));
  const uncounted = writes.filter(({ write }) => !mustFind(write));
  const claims = writes.flatMap(newClaims);

  const operation = ({ kind, write }: KindWrite) => operationOf(kind, write, { now, touching: true });
  try {
    // First what others most likely want too, so that who loses has done little.
    if (claims.length > 0) await writes[0]?.kind.claims.bulkWrite(claims, { session });
    for (const [records, operations] of byCollection(counted, operation)) {
      const result = await records.bulkWrite(inCommandOrder(operations), { session });
      if (foundBy(result) < operations.length) return failed;
    }
    for (const [records, operations] of byCollection(uncounted, operation)) {
      await records.bulkWrite(operations, { session });
    }
    return held;
  } catch (error) {
    // A duplicate key, or a change that leads through what is no object.
    if (isRefusal(error)) return failed;
    throw error;
  }
}

function foundBy(result: BulkWriteResult): number {
  return result.insertedCount + result.matchedCount + result.upsertedCount + result.deletedCount;
}
