// One transaction, again and again while others are in its way, but not for ever.
//
// What is asked for is that its end is known: either it was committed, or nothing of it was applied. Only where
// the answer to the commit itself stays away to the end does the caller hear that it may have been applied.
import { setTimeout as pause } from 'node:timers/promises';
import type { ClientSession, MongoClient, TransactionOptions } from 'mongodb';
import { randomFraction } from '../../core/secrets.ts';
import { hasLabel, isAnswer, overloaded, storeFailure } from './failures.ts';
import { DURABLE } from './kind.ts';

const OPTIONS: TransactionOptions = {
  readConcern: 'snapshot',
  readPreference: 'primary',
  writeConcern: DURABLE,
};

const FIRST_PAUSE_MS = 4;
const PAUSE_MAX_MS = 250;

/** What an attempt found out, and whether its writes are to stay. */
export interface Attempt<Result> {
  readonly keep: boolean;
  readonly result: Result;
}

/** What an attempt throws that found another commit in its way. */
export class Conflict extends Error {
  override readonly name = 'Conflict';
}

/** `budget` ends the tries: `overloaded` where nothing was applied, `store_unavailable` where that is unknown. */
export async function inTransaction<Result>(
  client: MongoClient,
  budget: AbortSignal,
  attempt: (session: ClientSession) => Promise<Attempt<Result>>,
): Promise<Result> {
  const session = client.startSession({ causalConsistency: false });
  try {
    return await again(budget, isConflict, async () => {
      session.startTransaction(OPTIONS);
      try {
        const { keep, result } = await attempt(session);
        if (keep) await again(budget, isUnanswered, () => session.commitTransaction());
        return result;
      } finally {
        if (session.inTransaction()) await session.abortTransaction();
      }
    });
  } finally {
    await session.endSession();
  }
}

/** Repeats the step, after a pause, while it may yet succeed and the budget lasts. */
async function again<Result>(
  budget: AbortSignal,
  maySucceed: (error: unknown) => boolean,
  step: () => Promise<Result>,
): Promise<Result> {
  for (let round = 0; ; round += 1) {
    try {
      return await step();
    } catch (error) {
      if (!maySucceed(error)) throw error;
      await backOff(round, budget);
      if (budget.aborted) throw exhausted(error);
    }
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof Conflict || hasLabel(error, 'TransientTransactionError');
}

function isUnanswered(error: unknown): boolean {
  return hasLabel(error, 'UnknownTransactionCommitResult');
}

/** Who lost to each other shall not meet again at once, so each waits a time of its own. */
async function backOff(round: number, budget: AbortSignal): Promise<void> {
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** round, PAUSE_MAX_MS);
  await pause(longest * randomFraction(), undefined, { signal: budget }).catch(() => undefined);
}

/** After a conflict nothing was applied; where the database did not answer, who knows. */
function exhausted(error: unknown): Error {
  const answered = error instanceof Conflict || isAnswer(error);
  return answered && isConflict(error)
    ? overloaded('other commits were in the way of this one for too long')
    : storeFailure(error);
}
