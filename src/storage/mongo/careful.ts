// A transaction that reads what its writes are about and judges them in their order, against one snapshot, with
// the same code as every other driver. It answers which precondition failed; where all hold it writes whole
// records, and so conflicts with everyone who changed one of them since the snapshot.
import type { ClientSession } from 'mongodb';
import { DomainError } from '../../core/errors.ts';
import type { Body } from '../body.ts';
import { bodyAfter, type Failure, failedOnRecord } from '../preconditions.ts';
import type { CommitOutcome } from '../store.ts';
import { decodedBody } from './body-encoding.ts';
import { type ClaimJudging, type ClaimOperation, judgeClaims } from './claims.ts';
import { isDuplicateKey } from './failures.ts';
import { documentOf, isLive, type Kind, type KindWrite, type RecordDocument } from './kind.ts';
import { recordKey } from './record-key.ts';
import { byCollection, inCommandOrder, type Operation, TOUCH } from './statements.ts';
import { type Attempt, Conflict } from './transactions.ts';

interface Plan {
  readonly kind: Kind;
  readonly operation: Operation;
  readonly claims: readonly ClaimOperation[];
}

interface Judging extends ClaimJudging {
  readonly stored: ReadonlyMap<string, RecordDocument>;
}

export async function attemptCarefully(
  writes: readonly KindWrite[],
  { session, now }: { session: ClientSession; now: number },
): Promise<Attempt<CommitOutcome>> {
  const judging: Judging = { session, now, taken: new Set(), stored: await readStored(writes, session) };
  const plans: Plan[] = [];
  for (const [index, each] of writes.entries()) {
    const verdict = await judge(each, judging);
    if ('cause' in verdict) {
      return { keep: false, result: { committed: false, failed: { index, ...verdict } } };
    }
    plans.push(verdict);
  }

  await apply(plans, session);
  return { keep: true, result: { committed: true } };
}

/** The records that the writes are about, expired or not, by their keys. */
async function readStored(
  writes: readonly KindWrite[],
  session: ClientSession,
): Promise<ReadonlyMap<string, RecordDocument>> {
  const stored = new Map<string, RecordDocument>();
  for (const [records, keys] of byCollection(writes, ({ kind, write }) => recordKey(kind.type, write.id))) {
    const found = records.find({ _id: { $in: keys } }, { session, projection: { b: 1 } });
    for await (const document of found) stored.set(document._id.toString('hex'), document);
  }
  return stored;
}

async function judge({ kind, write }: KindWrite, judging: Judging): Promise<Plan | Failure> {
  const key = recordKey(kind.type, write.id);
  const stored = judging.stored.get(key.toString('hex'));
  const before = stored && decodedBody(stored.b);
  const live = before !== undefined && isLive(kind.type, before, judging.now) ? before : undefined;

  const failure = failedOnRecord(write, live);
  if (failure !== undefined) return failure;
  if (write.kind === 'check') {
    return { kind, operation: { updateOne: { filter: { _id: key }, update: TOUCH } }, claims: [] };
  }

  // A copy of its own, since changes are made in place and the claims are told by what was there before.
  const copy = live === undefined || stored === undefined ? {} : decodedBody(stored.b);
  const after = write.kind === 'remove' ? undefined : possibleBody(write, copy);
  const claims = await judgeClaims(kind, { key, before, after }, judging);
  if ('cause' in claims) return claims;

  const operation: Operation =
    after === undefined ? { deleteOne: { filter: { _id: key } } } : replacement(kind, write.id, after);
  return { kind, operation, claims };
}

/** Throws where a change leads through what is no object, as the database itself would. */
function possibleBody(write: Parameters<typeof bodyAfter>[0], live: Body): Body {
  try {
    return bodyAfter(write, live);
  } catch (cause) {
    throw new DomainError('store_unavailable', { detail: 'a change cannot be made to its record', cause });
  }
}

/** Replaces the record or makes it; a write in any case, also where it is as it was. */
function replacement(kind: Kind, id: string, body: Body): Operation {
  const { _id, ...rest } = documentOf(kind, id, body);
  const update = { $set: rest, ...(rest.x === undefined && { $unset: { x: '' as const } }), ...TOUCH };
  return { updateOne: { filter: { _id }, update, upsert: true } };
}

async function apply(plans: readonly Plan[], session: ClientSession): Promise<void> {
  for (const [records, operations] of byCollection(plans, ({ operation }) => operation)) {
    await records.bulkWrite(inCommandOrder(operations), { session }).catch(asConflict);
  }
  const claims = plans.flatMap((plan) => plan.claims);
  if (claims.length > 0) {
    await plans[0]?.kind.claims.bulkWrite(inCommandOrder(claims), { session }).catch(asConflict);
  }
}

/** What the snapshot did not have is there now. */
function asConflict(error: unknown): never {
  throw isDuplicateKey(error)
    ? new Conflict('another commit has made what this one was to make', { cause: error })
    : error;
}
