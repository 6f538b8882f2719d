// Everything that QR sign-in says no with. The list is closed (I9): the edge maps each code to a status and
// to words in one table.
import type { QrState } from './transaction.ts';

export type QrRefusal =
  /** Opening: the operator has not switched this direction on. */
  | { readonly code: 'direction_off' }
  /** Opening, following: this process has as many open transactions or streams as it may. */
  | { readonly code: 'too_many'; readonly retryAfterMs: number }
  /** Opening, scanning: this address, client or session does it too often. */
  | { readonly code: 'rate_limited'; readonly retryAfterMs: number }
  /** Scan: not a code of ours. */
  | { readonly code: 'invalid_code' }
  /** Scan: a code for the other direction. */
  | { readonly code: 'wrong_direction' }
  /** Scan: somebody else was first. Worth a warning on the scanner's screen. */
  | { readonly code: 'already_used' }
  /** The time of the code, the scan or the approval is over. */
  | { readonly code: 'expired_token' }
  /** Approval, denial: no such transaction for this handshake and session. */
  | { readonly code: 'unknown_handshake' }
  /** Approval: at 0 attempts left the transaction is denied. */
  | { readonly code: 'wrong_number'; readonly attemptsLeft: number }
  /** The transaction is where this step cannot be taken. */
  | { readonly code: 'state_conflict'; readonly state: QrState }
  /** Reading, cancelling: no such transaction for who asks. */
  | { readonly code: 'not_found' }
  /** Redemption: nobody has approved yet. */
  | { readonly code: 'authorization_pending'; readonly state: 'pending' | 'scanned' }
  /** Redemption: denied or cancelled. */
  | { readonly code: 'access_denied' }
  /** Redemption: "continue as …?" has not been answered yet (M21). */
  | { readonly code: 'confirmation_required' }
  /** Redemption; `why` is for the log alone. Changes nothing: a leaked secret must not be a way to end things. */
  | { readonly code: 'invalid_grant'; readonly why: InvalidGrantCause };

export type InvalidGrantCause = 'unknown' | 'client' | 'binding' | 'redeemed';

export type Refused = { readonly kind: 'refused'; readonly refusal: QrRefusal };

export function refused(refusal: QrRefusal): Refused {
  return { kind: 'refused', refusal };
}
