// What the grantor decides after the scan, and how the other side gives up. The grantor is who a validated
// token says (F5); in `map` it must also show the handshake that its own scan was given.
import { equalSecrets } from '../core/secrets.ts';
import type { Access } from './access.ts';
import { roleOf } from './access.ts';
import type { QrDeps } from './arrow.ts';
import { takeArrow } from './arrow.ts';
import { directions } from './direction.ts';
import type { OpenTransactions } from './open-transactions.ts';
import type { QrRefusal, Refused } from './refusal.ts';
import { refused } from './refusal.ts';
import type { DenyReason, Grantor, QrTransaction } from './transaction.ts';
import type { QrKey } from './transaction-secrets.ts';
import { handshakeOf, keyOf, liveCodeHashes, locate, matchNumberOf } from './transaction-secrets.ts';
import type { QrDecision } from './transition.ts';
import { nextState } from './transition.ts';

/** A grantor that scanned shows its handshake; one that displays the QR names the transaction. */
export type Claim =
  | { readonly kind: 'handshake'; readonly handshake: string }
  | { readonly kind: 'id'; readonly id: string };

export interface ApprovalRequest {
  readonly claim: Claim;
  readonly grantor: Grantor;
  /** What the grantor typed; needed where the transaction asks for the number. */
  readonly number?: string;
}

export interface DenialRequest {
  readonly claim: Claim;
  readonly grantor: Pick<Grantor, 'sessionId'>;
  readonly reason: DenyReason;
}

export interface CancelRequest {
  readonly id: string;
  readonly access: Access;
}

export type Done<Kind extends string> = { readonly kind: Kind };

export async function approveTransaction(
  deps: QrDeps,
  request: ApprovalRequest,
): Promise<Done<'approved'> | Refused> {
  const refusal = await decideAsGrantor(deps, request, (transaction, key, now) => {
    const numberMatches = equalSecrets(matchNumberOf(key, transaction), request.number ?? '');
    return nextState(transaction, { kind: 'approve', grantor: request.grantor, numberMatches }, now);
  });
  return refusal ? refused(refusal) : { kind: 'approved' };
}

/** Also the undo of an approval, as long as nobody redeemed it. */
export async function denyTransaction(
  deps: QrDeps,
  request: DenialRequest,
): Promise<Done<'denied'> | Refused> {
  const refusal = await decideAsGrantor(deps, request, (transaction, _key, now) =>
    nextState(transaction, { kind: 'deny', reason: request.reason }, now),
  );
  return refusal ? refused(refusal) : { kind: 'denied' };
}

/** The displayer takes the QR from the screen, or the grantee gives up. */
export async function cancelTransaction(
  deps: QrDeps & { readonly openTransactions: OpenTransactions },
  { id, access }: CancelRequest,
): Promise<Done<'cancelled'> | Refused> {
  const outcome = await takeArrow(deps, {
    id,
    absent: { code: 'not_found' },
    decide: async (transaction, now) => {
      if (!roleOf(transaction, access)) return { kind: 'refused', refusal: { code: 'not_found' } };

      const codeHashes = liveCodeHashes(await keyOf(deps.keys, transaction), transaction, now);
      return nextState(transaction, { kind: 'cancel', codeHashes }, now);
    },
  });
  if (outcome.kind === 'refused') return refused(outcome.refusal);

  deps.openTransactions.forget(id);
  return { kind: 'cancelled' };
}

async function decideAsGrantor(
  deps: QrDeps,
  { claim, grantor }: Pick<DenialRequest, 'claim' | 'grantor'>,
  decide: (transaction: QrTransaction, key: QrKey, now: number) => QrDecision,
): Promise<QrRefusal | undefined> {
  const unknown = { code: 'unknown_handshake' } as const;
  const outcome = await takeArrow(deps, {
    id: claimedId(claim),
    absent: unknown,
    decide: async (transaction, now) => {
      const key = await keyOf(deps.keys, transaction);
      if (!holdsClaim(transaction, key, { claim, grantor })) return { kind: 'refused', refusal: unknown };

      return decide(transaction, key, now);
    },
  });
  return outcome.kind === 'refused' ? outcome.refusal : undefined;
}

function claimedId(claim: Claim): string {
  return claim.kind === 'id' ? claim.id : (locate(claim.handshake) ?? '');
}

function holdsClaim(
  transaction: QrTransaction,
  key: QrKey,
  { claim, grantor }: Pick<DenialRequest, 'claim' | 'grantor'>,
): boolean {
  if (transaction.grantor?.sessionId !== grantor.sessionId) return false;
  if (directions[transaction.direction].displayer === 'grantor') return claim.kind === 'id';

  const expected = handshakeOf(key, transaction.id, grantor.sessionId);
  return claim.kind === 'handshake' && equalSecrets(expected, claim.handshake);
}
