// Proofs after a restore. What was used since the backup was made is not in the store, so it cannot tell a proof
// that was used from one that was not; therefore none from before the restore is taken, for as long as one could
// be good (I2). DPoP proofs carry a nonce of the key that the restore made, and whoever does not have one yet is told
// it with the refusal (RFC 9449 §8); client assertions must have been made since.
import { errors } from 'oidc-provider';
import type { Clock } from '../core/clock.ts';

export interface AfterRestore {
  readonly clock: Clock;
  /** From when on the store remembers what was used, in ms since the epoch; undefined where that is for ever. */
  readonly restoredAt: number | undefined;
}

/** The engine takes the time of a proof without a nonce where it is no more than five minutes off, either way. */
const PROOF_GOOD_MS = 2 * 300_000 + 1_000;
/** RFC 7523 §3: what lives unreasonably long may be refused. A day is many times what any library asks for. */
export const ASSERTION_LIFE_MAX_MS = 86_400_000;
/** By how much the clock of a client may be ahead of ours. */
const CLOCKS_APART_MS = 30_000;

export function requiresNonce({ clock, restoredAt }: AfterRestore): boolean {
  return restoredAt !== undefined && clock.now() < restoredAt + PROOF_GOOD_MS;
}

/** Throws `invalid_client`. An assertion that does not say when it was made is taken again after a day. */
export function refuseForgottenAssertion(
  { clock, restoredAt }: AfterRestore,
  claims: { iat?: unknown },
): void {
  if (restoredAt === undefined || clock.now() >= restoredAt + ASSERTION_LIFE_MAX_MS) return;

  const madeAt = typeof claims.iat === 'number' ? claims.iat * 1000 : Number.NEGATIVE_INFINITY;
  if (madeAt > restoredAt + CLOCKS_APART_MS) return;
  throw new errors.InvalidClientAuth('the assertion may have been used before the store was restored');
}
