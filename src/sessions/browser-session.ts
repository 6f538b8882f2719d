// Signing in with a browser: its device session is live from the commit that accepts the last factor. One
// per account and browser; signing in again proves the account anew in the session that is there.
import { type AccountId, newSessionId, type SessionId } from '../core/ids.ts';
import { digest } from '../core/secrets.ts';
import type { Write } from '../storage/store.ts';
import { check, patch } from '../storage/store.ts';
import { activityChanges } from './activity.ts';
import type { AdmissionDeps } from './admission.ts';
import { admit } from './admission.ts';
import type { Authentication, Device, DeviceSession } from './device-session.ts';
import { deviceSessions, endOf } from './device-session.ts';
import { newDeviceSession } from './new-session.ts';
import { rosters } from './roster.ts';

export interface BrowserSignIn {
  accountId: AccountId;
  platform: string;
  device: Device & { browserUid: string };
  auth: Authentication;
  /** When the account proved itself or was approved, in ms since the epoch. */
  authenticatedAt: number;
  startedBy: DeviceSession['startedBy'];
  /** The session that the browser's cookie names, if it is of this account. */
  current?: DeviceSession | undefined;
}

export type BrowserSignInOutcome =
  | { kind: 'signed_in'; sessionId: SessionId }
  /** Everything of the account was ended since it authenticated. */
  | { kind: 'too_late' }
  /** A write of the caller's own lost. */
  | { kind: 'lost' };

/** `together`: writes of the caller's own for the commit that starts the session, once its id is known. */
export async function signInBrowser(
  deps: AdmissionDeps,
  signIn: BrowserSignIn,
  together: (sessionId: SessionId) => readonly Write[] = () => [],
): Promise<BrowserSignInOutcome> {
  const renewed = await renewCurrent(deps, signIn, together);
  if (renewed) return renewed;

  const { accountId } = signIn;
  const id = newSessionId();
  const session = newDeviceSession({ ...signIn, id }, { now: deps.clock.now(), platforms: deps.platforms });
  const outcome = await admit(
    deps,
    {
      session,
      authenticatedAt: signIn.authenticatedAt,
      deviceKey: digest('browser of account', accountId, signIn.device.browserUid),
    },
    together(id),
  );
  return outcome.kind === 'admitted' ? { kind: 'signed_in', sessionId: id } : { kind: outcome.kind };
}

/** Proves the account anew in the live session of this browser; undefined where there is none. */
async function renewCurrent(
  deps: AdmissionDeps,
  signIn: BrowserSignIn,
  together: (sessionId: SessionId) => readonly Write[],
): Promise<BrowserSignInOutcome | undefined> {
  const { current, auth } = signIn;
  const isSame = current?.accountId === signIn.accountId && !endOf(current, deps.clock.now());
  // A sign-in by QR proves no more than the grantor did, so it never renews what is there.
  if (!current || !isSame || signIn.startedBy.how === 'qr') return undefined;

  const now = deps.clock.now();
  const own = together(current.id);
  const outcome = await deps.store.commit([
    ...own,
    patch(deviceSessions, current.id, {
      when: [{ path: ['state'], is: 'live' }],
      set: [[['auth'], auth], ...activityChanges(deps, current, now)],
    }),
    // The session may have been kept when all others were ended; a proof from before that proves nothing.
    check(rosters, signIn.accountId, [{ path: ['notBefore'], atMost: signIn.authenticatedAt - 1 }]),
  ]);
  if (outcome.committed) return { kind: 'signed_in', sessionId: current.id };
  if (outcome.failed.index < own.length) return { kind: 'lost' };
  return outcome.failed.index > own.length ? { kind: 'too_late' } : undefined;
}
