// Locking an account out: no further sign-in, and no session left, in one commit. A lock alone would leave
// the devices that are signed in as they are until each of them asks for something (I1).
import { getAccount } from '../accounts/account.ts';
import { changeWrite, lockChanges } from '../accounts/account-changes.ts';
import type { AccountId, SessionId } from '../core/ids.ts';
import type { End } from './device-session.ts';
import { type EndingDeps, endAllOfAccount } from './ending.ts';

export interface LockOut {
  reason: Extract<End['reason'], 'admin' | 'banned'>;
  /** Who did it: `admin:…`. */
  by: string;
  /** Why, for operators to read. */
  note: string;
}

export type LockOutDeps = Pick<EndingDeps, 'store' | 'clock'> & { settings: { tombstonesMs: number } };

/** Answers the sessions that it ended; of an account that is locked already, too. Throws `not_found`. */
export async function lockOut(
  deps: LockOutDeps,
  accountId: AccountId,
  { reason, by, note }: LockOut,
): Promise<SessionId[]> {
  return endAllOfAccount(deps, accountId, { reason, by }, async () => {
    const account = await getAccount(deps.store, accountId);
    const isLocked = account.state === 'locked';
    return isLocked ? [] : [changeWrite(account, lockChanges(deps.clock.now(), note))];
  });
}
