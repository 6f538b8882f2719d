// The meaning of a commit on MongoDB. One write on one document is one statement, which MongoDB applies or not
// by itself; everything else is a transaction.
import type { ClientSession, MongoClient } from 'mongodb';
import type { Clock } from '../../core/clock.ts';
import { failedOnRecord } from '../preconditions.ts';
import type { CommitOutcome } from '../store.ts';
import { decodedBody } from './body-encoding.ts';
import { attemptCarefully } from './careful.ts';
import { isDuplicateKey, overloaded } from './failures.ts';
import { isLive, type Kind, type KindWrite } from './kind.ts';
import { attemptAll, needsReading, newClaims } from './optimistic.ts';
import { recordKey } from './record-key.ts';
import { mustFind, type Operation, operationOf } from './statements.ts';
import { inTransaction } from './transactions.ts';

export interface Committing {
  readonly client: MongoClient;
  readonly clock: Clock;
  /** How long a commit tries while others are in its way. */
  readonly budgetMs: number;
  /** Throws where the store takes no writes; asked before each attempt. */
  enter(): Promise<void>;
}

/** For one write that finds nothing, though the record is as it asks whenever that is looked at. */
const ATTEMPTS_MAX = 50;
const COMMITTED: CommitOutcome = { committed: true };

export async function commitWrites(
  committing: Committing,
  writes: readonly KindWrite[],
): Promise<CommitOutcome> {
  const [first, ...others] = writes;
  if (first === undefined) return COMMITTED;

  const reading = writes.some(needsReading);
  const alone = others.length === 0 && !reading && newClaims(first).length === 0;
  if (alone) return commitAlone(committing, first);

  const { client, clock } = committing;
  const budget = AbortSignal.timeout(committing.budgetMs);
  const terms = async (session: ClientSession) => {
    await committing.enter();
    return { session, now: clock.now() };
  };
  const held =
    !reading &&
    (await inTransaction(client, budget, async (session) => attemptAll(writes, await terms(session))));
  if (held) return COMMITTED;
  return inTransaction(client, budget, async (session) => attemptCarefully(writes, await terms(session)));
}

/**
 * One statement, and where it found nothing a look at the record, to say why. A record that meets all
 * preconditions by then has changed in between, so the statement is tried again.
 */
async function commitAlone({ clock, enter }: Committing, { kind, write }: KindWrite): Promise<CommitOutcome> {
  const changesNothing = write.kind === 'check' || (write.kind === 'patch' && write.set.length === 0);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    await enter();
    const now = clock.now();
    const applied =
      !changesNothing && (await found(kind, operationOf(kind, write, { now, touching: false })));
    if (applied || !mustFind(write)) return COMMITTED;

    const failure = failedOnRecord(write, await liveBody(kind, write.id, now));
    if (failure !== undefined) return { committed: false, failed: { index: 0, ...failure } };
    if (changesNothing) return COMMITTED;
  }
  throw overloaded('the record kept changing');
}

async function liveBody({ type, records }: Kind, id: string, now: number) {
  const document = await records.findOne({ _id: recordKey(type, id) }, { projection: { _id: 0, b: 1 } });
  const body = document === null ? undefined : decodedBody(document.b);
  return body !== undefined && isLive(type, body, now) ? body : undefined;
}

/** Whether the statement found what it is for; it did not where another document has the key. */
async function found({ records }: Kind, operation: Operation): Promise<boolean> {
  try {
    return (await run(records, operation)) > 0;
  } catch (error) {
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}

/** How many documents the statement found or made. */
async function run(records: Kind['records'], operation: Operation): Promise<number> {
  if ('insertOne' in operation) {
    await records.insertOne(operation.insertOne.document);
    return 1;
  }
  if ('replaceOne' in operation) {
    const { filter, replacement, upsert } = operation.replaceOne;
    const { matchedCount, upsertedCount } = await records.replaceOne(filter, replacement, { upsert });
    return matchedCount + upsertedCount;
  }
  if ('updateOne' in operation) {
    return (await records.updateOne(operation.updateOne.filter, operation.updateOne.update)).matchedCount;
  }
  return (await records.deleteOne(operation.deleteOne.filter)).deletedCount;
}
