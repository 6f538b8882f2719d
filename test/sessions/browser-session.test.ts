import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AccountId, newAccountId, newSessionId, type SessionId } from '../../src/core/ids.ts';
import { noteActivity } from '../../src/sessions/activity.ts';
import type { AdmissionDeps } from '../../src/sessions/admission.ts';
import { type BrowserSignIn, signInBrowser } from '../../src/sessions/browser-session.ts';
import { type DeviceSession, deviceSessions } from '../../src/sessions/device-session.ts';
import { endAllOfAccount, endSession, liveSessionsOf } from '../../src/sessions/ending.ts';
import { revocations } from '../../src/sessions/revocations.ts';
import { rosters } from '../../src/sessions/roster.ts';
import { openStore } from '../../src/storage/open.ts';
import { check, type Store } from '../../src/storage/store.ts';
import { type TestClock, testClock } from '../support/test-clock.ts';
import { platforms } from './session-fixtures.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const settings = { rosterMax: 200, tombstonesMs: 90 * 24 * HOUR, accessTokenMaxMs: HOUR };
const cause = { reason: 'password_changed', by: 'account' } as const;

let clock: TestClock;
let store: Store;
let deps: AdmissionDeps;
let account: AccountId;

beforeEach(async () => {
  clock = testClock();
  const types = [deviceSessions, rosters, revocations];
  store = await openStore({ url: 'sqlite::memory:', dataDir: '', clock, types });
  deps = { store, clock, platforms, settings };
  account = newAccountId();
});

afterEach(() => store.close());

function signIn(more: Partial<BrowserSignIn> = {}): BrowserSignIn {
  return {
    accountId: account,
    platform: 'web',
    device: { name: 'Browser', browserUid: 'browser one' },
    auth: { time: Math.floor(clock.now() / 1000), acr: 'one', amr: ['pwd'] },
    authenticatedAt: clock.now(),
    startedBy: { how: 'password' },
    ...more,
  };
}

async function signedIn(more: Partial<BrowserSignIn> = {}): Promise<DeviceSession> {
  const outcome = await signInBrowser(deps, signIn(more));
  if (outcome.kind !== 'signed_in') throw new Error(`not signed in: ${outcome.kind}`);
  return sessionNow(outcome.sessionId);
}

async function sessionNow(id: SessionId): Promise<DeviceSession> {
  const session = await store.get(deviceSessions, id);
  if (!session) throw new Error('the session is gone');
  return session;
}

function endAll(keep?: SessionId) {
  return endAllOfAccount({ store, clock, settings }, account, { ...cause, ...(keep && { keep }) });
}

describe('signInBrowser', () => {
  it('starts a live session', async () => {
    expect(await signedIn()).toMatchObject({ state: 'live', platform: 'web', apps: {} });
  });

  it('proves the account anew in the session that is there, and counts as activity', async () => {
    const current = await signedIn();
    clock.advance(HOUR);

    const again = await signedIn({ current });

    expect(again.id).toBe(current.id);
    expect(again.auth?.time).toBe(Math.floor(clock.now() / 1000));
    expect(again.idleUntil).toBe(clock.now() + 8 * HOUR);
    expect(again.dueAt).toBe(clock.now() + 8 * HOUR);
    expect(again.absoluteUntil).toBe(current.absoluteUntil);
  });

  it('does not renew by a QR code, which proves no more than its grantor did', async () => {
    const current = await signedIn();
    const grantor = await signedIn({ device: { name: 'Phone', browserUid: 'browser of the grantor' } });

    const other = await signedIn({ current, startedBy: { how: 'qr', sessionId: grantor.id } });

    expect(other.id).not.toBe(current.id);
    expect((await sessionNow(current.id)).ended?.reason).toBe('replaced');
  });

  it('starts another session for another account, and leaves that of the first to its sign-out', async () => {
    const current = await signedIn();
    account = newAccountId();

    const other = await signedIn({ current });

    expect(other.accountId).toBe(account);
    expect((await sessionNow(current.id)).state).toBe('live');
  });

  it('starts another one where the current ended meanwhile', async () => {
    const current = await signedIn();
    await endSession({ store, clock, settings }, current.id, { reason: 'kicked', by: 'account' });

    const other = await signedIn({ current });

    expect(other.id).not.toBe(current.id);
    expect((await sessionNow(current.id)).ended?.reason).toBe('kicked');
  });

  it('replaces its predecessor in the same browser, and no other browser’s', async () => {
    const first = await signedIn();
    const elsewhere = await signedIn({ device: { name: 'Browser', browserUid: 'browser two' } });

    await signedIn();

    expect((await sessionNow(first.id)).ended?.reason).toBe('replaced');
    expect((await sessionNow(elsewhere.id)).state).toBe('live');
  });

  it('leaves one session however many tabs of a browser sign in at once', async () => {
    await Promise.all(Array.from({ length: 20 }, () => signInBrowser(deps, signIn())));

    expect(await liveSessionsOf({ store, clock }, account)).toHaveLength(1);
  });

  it('refuses a proof from before everything of the account ended', async () => {
    const old = signIn();
    clock.advance(1000);
    await endAll();

    expect(await signInBrowser(deps, old)).toEqual({ kind: 'too_late' });
  });

  it('refuses to renew with such a proof a session that was kept', async () => {
    const current = await signedIn();
    clock.advance(1000);
    const old = signIn({ current });
    clock.advance(1000);
    await endAll(current.id);

    expect(await signInBrowser(deps, old)).toEqual({ kind: 'too_late' });
    expect((await sessionNow(current.id)).auth).toEqual(current.auth);
  });

  it.each(['new', 'renewed'])(
    'commits with it what belongs to it, or nothing: a %s session',
    async (kind) => {
      const current = kind === 'renewed' ? await signedIn() : undefined;
      const missing = () => [check(deviceSessions, newSessionId())];

      expect(await signInBrowser(deps, signIn({ current }), missing)).toEqual({ kind: 'lost' });

      expect(await liveSessionsOf({ store, clock }, account)).toHaveLength(current ? 1 : 0);
    },
  );
});

describe('noteActivity', () => {
  it('slides the idle limit once a minute', async () => {
    const session = await signedIn();
    clock.advance(MINUTE - 1);
    await noteActivity(deps, session);
    expect(await sessionNow(session.id)).toEqual(session);

    clock.advance(1);
    await noteActivity(deps, session);
    expect(await sessionNow(session.id)).toMatchObject({
      lastActiveAt: clock.now(),
      idleUntil: clock.now() + 8 * HOUR,
      dueAt: clock.now() + 8 * HOUR,
    });
  });

  it('never moves the idle limit past the absolute one', async () => {
    const session = await signedIn();
    clock.advance(7 * HOUR);
    const late = { ...session, absoluteUntil: clock.now() + HOUR };

    await noteActivity(deps, late);

    expect((await sessionNow(session.id)).idleUntil).toBe(clock.now() + HOUR);
  });

  it('does not wake what has ended', async () => {
    const session = await signedIn();
    clock.advance(HOUR);
    await endSession({ store, clock, settings }, session.id, cause);

    await noteActivity(deps, session);

    expect((await sessionNow(session.id)).lastActiveAt).toBe(session.lastActiveAt);
  });
});
