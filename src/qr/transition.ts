// The state machine of a QR transaction, as one pure function of the transaction, the event and the time:
//
//             scan (code dies)              approve                      redeem (grantee only, once)
//  pending ──────────────────► scanned ──────────────► approved ─────────────────────────► redeemed
//    │ code rotates each 60 s      │ deny → denied         │ deny / undo → denied
//    ├ cancel → cancelled          ├ cancel → cancelled    ├ cancel → cancelled
//    └ 10 min → expired            └ 60 s or 3 wrong numbers → expired / denied   └ 60 s → expired
//
// Never back to `pending`. Who may cause an event is judged before; here only whether it fits the state.
import type { Binding } from './binding.ts';
import type { QrDirection } from './direction.ts';
import type { QrRefusal } from './refusal.ts';
import type { CodeJudgement } from './rotating-code.ts';
import type { ConfirmMode, DenyReason, Grantor, QrState, QrTransaction, Redeemed } from './transaction.ts';
import { QR_FEED, stateAt } from './transaction.ts';

/** Fields and their new values; `undefined` removes one. */
export type QrChange = { readonly [Field in keyof QrTransaction]?: QrTransaction[Field] | undefined };

/** What the scanner's side adds to the transaction. */
export type ScannerFields =
  | { readonly grantor: Grantor }
  | { readonly binding: Binding; readonly pollSecretHash?: string };

export type QrEvent =
  | {
      readonly kind: 'scan';
      readonly direction: QrDirection;
      /** What the code is worth: against the codes' key while there is one, else against the kept hashes. */
      readonly code: CodeJudgement | 'used';
      /** Hashes of the codes that are good at this moment. */
      readonly codeHashes: readonly string[];
      readonly scanner: ScannerFields;
      /** The scan came from a page that any camera app opens: the number is asked whatever the client says. */
      readonly insistOnNumber?: boolean;
    }
  | { readonly kind: 'approve'; readonly grantor: Grantor; readonly numberMatches: boolean }
  | { readonly kind: 'deny'; readonly reason: DenyReason }
  | { readonly kind: 'cancel'; readonly codeHashes: readonly string[] }
  | { readonly kind: 'redeem'; readonly redeemed: Redeemed };

/** `change` is to be committed under the transaction's version, with or without a refusal beside it. */
export type QrDecision =
  | { readonly kind: 'moved'; readonly change: QrChange }
  | { readonly kind: 'refused'; readonly refusal: QrRefusal; readonly change?: QrChange };

/** With two digits and three tries, one blind approval in 33 gets through, and each costs a whole scan. */
const WRONG_NUMBERS_MAX = 3;

/** How long after its end a transaction still says how it ended. */
const LINGER_MS = 5 * 60_000;

export function nextState(transaction: QrTransaction, event: QrEvent, now: number): QrDecision {
  switch (event.kind) {
    case 'scan':
      return scanned(transaction, event, now);
    case 'approve':
      return approved(transaction, event, now);
    case 'deny':
      return denied(transaction, event, now);
    case 'cancel':
      return cancelled(transaction, event, now);
    case 'redeem':
      return redeemed(transaction, event, now);
  }
}

/** When the record of a transaction whose state lapses at `deadlineAt` may go. */
export function expiryAfter(deadlineAt: number): number {
  return deadlineAt + LINGER_MS;
}

function scanned(
  transaction: QrTransaction,
  event: Extract<QrEvent, { kind: 'scan' }>,
  now: number,
): QrDecision {
  const refusal = scanRefusal(transaction, event, stateAt(transaction, now));
  if (refusal) return { kind: 'refused', refusal };

  const confirm = event.insistOnNumber ? 'number' : transaction.confirm;
  const scan = { ...event.scanner, ...deadCodes(event.codeHashes), confirm, scannedAt: now };
  if (confirm !== 'none') {
    return moved(transaction, { ...scan, state: 'scanned', ...lapsing(now + transaction.scanMs) }, now);
  }
  return moved(transaction, { ...scan, ...approval(transaction, now) }, now);
}

function scanRefusal(
  transaction: QrTransaction,
  event: Extract<QrEvent, { kind: 'scan' }>,
  state: QrState,
): QrRefusal | undefined {
  if (event.direction !== transaction.direction) return { code: 'wrong_direction' };
  if (event.code === 'unknown') return { code: 'invalid_code' };
  if (transaction.scannedAt !== undefined) return { code: 'already_used' };
  if (state !== 'pending' || event.code !== 'current') return { code: 'expired_token' };

  return undefined;
}

function approved(
  transaction: QrTransaction,
  event: Extract<QrEvent, { kind: 'approve' }>,
  now: number,
): QrDecision {
  const state = stateAt(transaction, now);
  if (state !== 'scanned') return outOfTurn(state);
  if (needsNumber(transaction.confirm) && !event.numberMatches) return wrongNumber(transaction, now);

  return moved(transaction, { grantor: event.grantor, ...approval(transaction, now) }, now);
}

/** A wrong number is counted in the same conditional write as any arrow, so parallel guesses are no more. */
function wrongNumber(transaction: QrTransaction, now: number): QrDecision {
  const wrongNumbers = transaction.wrongNumbers + 1;
  const attemptsLeft = WRONG_NUMBERS_MAX - wrongNumbers;
  const end = attemptsLeft > 0 ? {} : ended('denied', now);
  const change = stamped(transaction, { wrongNumbers, ...end }, now);

  return { kind: 'refused', refusal: { code: 'wrong_number', attemptsLeft }, change };
}

/** Denying after the approval is the undo: the grantor may change their mind until the redemption. */
function denied(
  transaction: QrTransaction,
  event: Extract<QrEvent, { kind: 'deny' }>,
  now: number,
): QrDecision {
  const state = stateAt(transaction, now);
  if (state !== 'scanned' && state !== 'approved') return outOfTurn(state);

  return moved(transaction, { denyReason: event.reason, ...ended('denied', now) }, now);
}

/** Also after the approval: who is asked "continue as …?" and is somebody else must be able to say no. */
function cancelled(
  transaction: QrTransaction,
  event: Extract<QrEvent, { kind: 'cancel' }>,
  now: number,
): QrDecision {
  const state = stateAt(transaction, now);
  if (state !== 'pending' && state !== 'scanned' && state !== 'approved') return outOfTurn(state);

  const codes = state === 'pending' ? deadCodes(event.codeHashes) : {};
  return moved(transaction, { ...codes, ...ended('cancelled', now) }, now);
}

function redeemed(
  transaction: QrTransaction,
  event: Extract<QrEvent, { kind: 'redeem' }>,
  now: number,
): QrDecision {
  const refusal = redeemRefusal(stateAt(transaction, now));
  if (refusal) return { kind: 'refused', refusal };

  return moved(transaction, { redeemed: event.redeemed, ...ended('redeemed', now) }, now);
}

/** Why a transaction in this state cannot be redeemed; undefined where it can. */
export function redeemRefusal(state: QrState): QrRefusal | undefined {
  switch (state) {
    case 'pending':
    case 'scanned':
      return { code: 'authorization_pending', state };
    case 'denied':
    case 'cancelled':
      return { code: 'access_denied' };
    case 'expired':
      return { code: 'expired_token' };
    case 'redeemed':
      return { code: 'invalid_grant', why: 'redeemed' };
    case 'approved':
      return undefined;
  }
}

function outOfTurn(state: QrState): QrDecision {
  if (state === 'expired') return { kind: 'refused', refusal: { code: 'expired_token' } };

  return { kind: 'refused', refusal: { code: 'state_conflict', state } };
}

function needsNumber(confirm: ConfirmMode): boolean {
  return confirm === 'number';
}

function approval(transaction: QrTransaction, now: number): QrChange {
  return { state: 'approved', approvedAt: now, ...lapsing(now + transaction.approvalMs) };
}

function ended(state: 'redeemed' | 'denied' | 'cancelled', now: number): QrChange {
  return { state, ...lapsing(now) };
}

function lapsing(deadlineAt: number): QrChange {
  return { deadlineAt, expiresAt: expiryAfter(deadlineAt) };
}

/** The codes die in the write that uses them: their key goes, only hashes stay. */
function deadCodes(codeHashes: readonly string[]): QrChange {
  return { sealedKey: undefined, codeHashes: [...codeHashes] };
}

function moved(transaction: QrTransaction, change: QrChange, now: number): QrDecision {
  return { kind: 'moved', change: stamped(transaction, change, now) };
}

function stamped(transaction: QrTransaction, change: QrChange, now: number): QrChange {
  return { ...change, version: transaction.version + 1, feed: QR_FEED, changedAt: now };
}
