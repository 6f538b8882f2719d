// The redemption: once, by the grantee alone, and only from the browser or app that the transaction is bound
// to (M1). Nothing is written here. The caller gets the one conditional write and commits it together with
// the admission of the session, so that there is never an approval used without a session nor the reverse.
// Every refusal changes nothing: who holds a leaked secret must not be able to end anything with it.
import assert from 'node:assert';
import type { AccountId, QrTransactionId, SessionId } from '../core/ids.ts';
import { equalSecrets } from '../core/secrets.ts';
import type { Authentication } from '../sessions/device-session.ts';
import type { Write } from '../storage/store.ts';
import type { QrDeps } from './arrow.ts';
import { arrowWrite } from './arrow.ts';
import type { BindingProof } from './binding.ts';
import { provesBinding } from './binding.ts';
import type { InvalidGrantCause, Refused } from './refusal.ts';
import { refused } from './refusal.ts';
import type { Grantor, QrTransaction, Redeemed, Requester } from './transaction.ts';
import { qrTransactions, stateAt } from './transaction.ts';
import { confirmationOf, isPollSecret, keyOf, locate } from './transaction-secrets.ts';
import { nextState, redeemRefusal } from './transition.ts';

/** With the poll secret (`map_token`, `pam_token`) and a proof, or with the cookie and the id alone. */
export type GranteeProof =
  | { readonly kind: 'secret'; readonly secret: string; readonly binding: BindingProof }
  | { readonly kind: 'cookie'; readonly id: string; readonly cookie: string };

export interface RedemptionRequest {
  readonly clientId: string;
  readonly proof: GranteeProof;
  /** The answer to "continue as …?", as the snapshot gave it. */
  readonly confirm?: string;
  /** Whether this browser or installation has been signed in to the account before. */
  readonly knowsAccount: (accountId: AccountId) => boolean | Promise<boolean>;
}

/** What the new session is made from. */
export interface Approval {
  readonly transactionId: QrTransactionId;
  readonly accountId: AccountId;
  readonly grantorSessionId: SessionId;
  /** The grantor's own, with `qr` among the methods: never more than the grantor had. */
  readonly auth: Authentication;
  /** Milliseconds; an admission is refused when the account was ended after this. */
  readonly approvedAt: number;
  readonly clientId: string;
  readonly scope: string;
  readonly resource: readonly string[];
  readonly requester: Requester;
}

export type Redemption =
  | {
      readonly kind: 'ready';
      readonly approval: Approval;
      /**
       * The write approved → redeemed, for a commit of the caller's. When its precondition fails, prepare the
       * redemption again and hear why; when it holds, wake those who wait (`QR_TOPIC`).
       */
      write(led: Omit<Redeemed, 'at'>): Write;
    }
  /** Asked again by the same grantee: give the same first refresh token. */
  | { readonly kind: 'repeat'; readonly redeemed: Redeemed }
  | Refused;

/** How long a grantee whose answer was lost may ask again. */
const REPEAT_MS = 30_000;

export async function prepareRedemption(
  deps: Pick<QrDeps, 'store' | 'clock' | 'keys'>,
  request: RedemptionRequest,
): Promise<Redemption> {
  const transaction = await deps.store.get(qrTransactions, redeemedId(request.proof));
  if (!transaction) return invalidGrant('unknown');

  const mistrust = mistrustOf(transaction, request);
  if (mistrust) return invalidGrant(mistrust);

  const now = deps.clock.now();
  const repeat = repeatable(transaction, now);
  if (repeat) return { kind: 'repeat', redeemed: repeat };

  const refusal = redeemRefusal(stateAt(transaction, now));
  if (refusal) return refused(refusal);

  const approval = approvalOf(transaction);
  const confirmation = confirmationOf(await keyOf(deps.keys, transaction), transaction);
  if (!(await isConfirmed(request, approval.accountId, confirmation))) {
    return refused({ code: 'confirmation_required' });
  }
  return { kind: 'ready', approval, write: (led) => redeemWrite(transaction, led, deps.clock.now()) };
}

/** A session let in by another has the grantor's authentication, never a better or a newer one. */
export function grantedAuthentication({ auth }: Pick<Grantor, 'auth'>): Authentication {
  return { time: auth.time, acr: auth.acr, amr: [...new Set([...auth.amr, 'qr'])] };
}

function redeemedId(proof: GranteeProof): string {
  return proof.kind === 'cookie' ? proof.id : (locate(proof.secret) ?? '');
}

/** The poll secret, the binding and the client must all be the opener's. */
function mistrustOf(
  transaction: QrTransaction,
  { clientId, proof }: RedemptionRequest,
): InvalidGrantCause | undefined {
  if (proof.kind === 'secret' && !isPollSecret(transaction, proof.secret)) return 'unknown';
  if (transaction.clientId !== clientId) return 'client';

  const binding = proof.kind === 'secret' ? proof.binding : proof;
  return provesBinding(transaction.binding, binding, transaction.id) ? undefined : 'binding';
}

function repeatable({ redeemed }: QrTransaction, now: number): Redeemed | undefined {
  return redeemed && now - redeemed.at < REPEAT_MS ? redeemed : undefined;
}

/**
 * M21: a grantee that has not known this account must have been asked. Else an attacker who approves a
 * stranger's QR signs the stranger in to the attacker's account, and reads what they enter there.
 */
async function isConfirmed(
  { confirm, knowsAccount }: RedemptionRequest,
  accountId: AccountId,
  expected: string,
): Promise<boolean> {
  if (confirm !== undefined) return equalSecrets(expected, confirm);

  return knowsAccount(accountId);
}

function approvalOf(transaction: QrTransaction): Approval {
  const { grantor, approvedAt } = transaction;
  assert(grantor && approvedAt !== undefined, 'an approved transaction names its grantor');

  return {
    transactionId: transaction.id,
    accountId: grantor.accountId,
    grantorSessionId: grantor.sessionId,
    auth: grantedAuthentication(grantor),
    approvedAt,
    clientId: transaction.clientId,
    scope: transaction.scope,
    resource: transaction.resource ?? [],
    requester: transaction.requester,
  };
}

/** Judged by the transaction as it was read: when its time is over by now, the write's precondition fails. */
function redeemWrite(transaction: QrTransaction, led: Omit<Redeemed, 'at'>, now: number): Write {
  const event = { kind: 'redeem', redeemed: { ...led, at: now } } as const;
  const decision = nextState(transaction, event, Math.min(now, transaction.deadlineAt - 1));
  assert(decision.kind === 'moved', 'an approved transaction can be redeemed before its deadline');

  return arrowWrite(transaction, decision.change, now);
}

function invalidGrant(why: InvalidGrantCause): Refused {
  return refused({ code: 'invalid_grant', why });
}
