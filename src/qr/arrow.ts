// How every arrow of the state machine is taken: read, decide, commit under the version that was read. Of
// parallel callers one commits; the others read again and hear what the new state has to say to them, so a
// loser never harms the winner (I2).
import type { Clock } from '../core/clock.ts';
import { DomainError } from '../core/errors.ts';
import type { FieldChange, Store, Write } from '../storage/store.ts';
import { patch } from '../storage/store.ts';
import type { QrRefusal } from './refusal.ts';
import type { QrTransaction } from './transaction.ts';
import { qrTransactions } from './transaction.ts';
import type { QrKeys } from './transaction-secrets.ts';
import type { QrChange, QrDecision } from './transition.ts';
import { QR_TOPIC } from './waiting.ts';

export interface QrDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly keys: QrKeys;
}

export type ArrowOutcome =
  | { readonly kind: 'moved'; readonly transaction: QrTransaction }
  /** With the transaction that the refusal was judged by, where there is one. */
  | { readonly kind: 'refused'; readonly refusal: QrRefusal; readonly transaction?: QrTransaction };

/** A transaction is written at most six times in its life, so nobody loses more often than that. */
const ATTEMPTS_MAX = 8;

/** Takes the step that `decide` finds, if it finds one; refuses with `absent` where there is no record. */
export async function takeArrow(
  deps: QrDeps,
  step: {
    id: string;
    absent: QrRefusal;
    decide: (transaction: QrTransaction, now: number) => QrDecision | Promise<QrDecision>;
  },
): Promise<ArrowOutcome> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const transaction = await deps.store.get(qrTransactions, step.id);
    if (!transaction) return { kind: 'refused', refusal: step.absent };

    const now = deps.clock.now();
    const decision = await step.decide(transaction, now);
    if (decision.change === undefined) return { ...decision, transaction };

    const outcome = await deps.store.commit([arrowWrite(transaction, decision.change, now)]);
    if (outcome.committed) {
      deps.store.notify(QR_TOPIC, transaction.id);
      return settled(transaction, decision);
    }
  }
  throw new DomainError('overloaded', {
    detail: `QR transaction ${step.id} kept moving`,
    retryAfterSeconds: 1,
  });
}

/** The one conditional write of an arrow: nobody has moved the transaction, and its time is not over. */
export function arrowWrite(transaction: QrTransaction, change: QrChange, now: number): Write {
  return patch(qrTransactions, transaction.id, {
    when: [
      { path: ['state'], is: transaction.state },
      { path: ['version'], is: transaction.version },
      { path: ['deadlineAt'], above: now },
    ],
    set: Object.entries(change).map(([field, value]): FieldChange => [[field], value]),
  });
}

/** The transaction as it stands after a change. */
export function applied(transaction: QrTransaction, change: QrChange): QrTransaction {
  const fields = Object.entries({ ...transaction, ...change }).filter(([, value]) => value !== undefined);
  // The change only sets fields to values of their own types, and what it removes is optional.
  return Object.fromEntries(fields) as unknown as QrTransaction;
}

function settled(transaction: QrTransaction, decision: QrDecision): ArrowOutcome {
  if (decision.kind === 'refused') return { kind: 'refused', refusal: decision.refusal };

  return { kind: 'moved', transaction: applied(transaction, decision.change) };
}
