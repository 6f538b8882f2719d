import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AccountId, newAccountId, newSessionId } from '../../src/core/ids.ts';
import { admit } from '../../src/sessions/admission.ts';
import { type DeviceSession, deviceSessions } from '../../src/sessions/device-session.ts';
import {
  type EndingDeps,
  endAllOfAccount,
  endApp,
  endSession,
  liveSessionsOf,
  SESSIONS_TOPIC,
} from '../../src/sessions/ending.ts';
import { revocations } from '../../src/sessions/revocations.ts';
import { rosters } from '../../src/sessions/roster.ts';
import { sweepOnce } from '../../src/sessions/sweeper.ts';
import { openStore } from '../../src/storage/open.ts';
import type { Store } from '../../src/storage/store.ts';
import { type TestClock, testClock } from '../support/test-clock.ts';
import { platforms, sessionWith } from './session-fixtures.ts';

const HOUR = 3_600_000;
const settings = { rosterMax: 200, tombstonesMs: 90 * 24 * HOUR, accessTokenMaxMs: HOUR };
const cause = { reason: 'kicked', by: 'account' } as const;

let clock: TestClock;
let store: Store;
let deps: EndingDeps;
let account: AccountId;

beforeEach(async () => {
  clock = testClock();
  const types = [deviceSessions, rosters, revocations];
  store = await openStore({ url: 'sqlite::memory:', dataDir: '', clock, types });
  deps = { store, clock, settings };
  account = newAccountId();
});

afterEach(() => store.close());

async function started(
  clientIds: readonly string[] = ['notes'],
  platform = 'web',
  more: { deviceKey?: string } = {},
): Promise<DeviceSession> {
  const session = sessionWith(clientIds, { now: clock.now(), accountId: account, platform });
  const admission = { store, clock, platforms, settings };
  await admit(admission, { session, authenticatedAt: clock.now(), ...more });
  return session;
}

async function sessionNow(session: DeviceSession): Promise<DeviceSession> {
  const found = await store.get(deviceSessions, session.id);
  if (!found) throw new Error('the session is gone');
  return found;
}

async function revocationsNow() {
  return (await store.scan(revocations, { limit: 100 })).records.map(({ body }) => body);
}

describe('endSession', () => {
  it('ends a live session with its reason, and leaves a tombstone that says who must hear of it', async () => {
    const session = await started();

    expect(await endSession(deps, session.id, cause)).toBe(true);

    expect(await sessionNow(session)).toMatchObject({
      state: 'ended',
      ended: { ...cause, at: clock.now() },
      todo: ['notice'],
      purgeAt: clock.now() + settings.tombstonesMs,
    });
  });

  it('keeps the first reason: what has ended does not end again', async () => {
    const session = await started();
    await endSession(deps, session.id, cause);

    expect(await endSession(deps, session.id, { reason: 'admin', by: 'admin:test' })).toBe(false);

    expect((await sessionNow(session)).ended?.reason).toBe('kicked');
  });

  it('answers false for a session that never was', async () => {
    expect(await endSession(deps, newSessionId(), cause)).toBe(false);
  });

  it('has one winner of twenty at once (I2)', async () => {
    const session = await started();

    const answers = await Promise.all(Array.from({ length: 20 }, () => endSession(deps, session.id, cause)));

    expect(answers.filter(Boolean)).toHaveLength(1);
  });
});

describe('endApp', () => {
  it('ends one app of several and tells APIs with a revocation in the same commit (I8)', async () => {
    const session = await started(['notes', 'mail']);

    expect(await endApp(deps, { sessionId: session.id, appNumber: '1' }, cause)).toBe(true);

    const after = await sessionNow(session);
    expect(after).toMatchObject({ state: 'live', apps: { 1: { ended: cause } } });
    expect(after.apps[2]).not.toHaveProperty('ended');
    expect(await revocationsNow()).toMatchObject([
      {
        selector: { kind: 'app', sid: session.id, clientId: 'notes' },
        todo: ['feed'],
        keepUntil: clock.now() + HOUR,
      },
    ]);
  });

  it('ends the session with its only app', async () => {
    const session = await started(['notes']);

    await endApp(deps, { sessionId: session.id, appNumber: '1' }, cause);

    expect(await sessionNow(session)).toMatchObject({ state: 'ended', ended: cause });
    expect(await revocationsNow()).toEqual([]);
  });

  it('ends the session with the last live one of several', async () => {
    const session = await started(['notes', 'mail']);
    await endApp(deps, { sessionId: session.id, appNumber: '2' }, cause);

    await endApp(deps, { sessionId: session.id, appNumber: '1' }, cause);

    expect((await sessionNow(session)).state).toBe('ended');
  });

  it('ends the session where both of its apps end at the same moment', async () => {
    const session = await started(['notes', 'mail']);

    await Promise.all(
      ['1', '2'].map((appNumber) => endApp(deps, { sessionId: session.id, appNumber }, cause)),
    );

    expect((await sessionNow(session)).state).toBe('ended');
  });

  it.each(['7', '0', ''])('changes nothing for an app that is not there: %j', async (appNumber) => {
    const session = await started(['notes']);

    expect(await endApp(deps, { sessionId: session.id, appNumber }, cause)).toBe(false);

    expect(await sessionNow(session)).toEqual(session);
  });

  it('ends an app once', async () => {
    const session = await started(['notes', 'mail']);
    await endApp(deps, { sessionId: session.id, appNumber: '1' }, cause);

    expect(await endApp(deps, { sessionId: session.id, appNumber: '1' }, cause)).toBe(false);
    expect(await revocationsNow()).toHaveLength(1);
  });
});

describe('endAllOfAccount', () => {
  it('ends every live session but the one to keep, and empties the roster of them', async () => {
    const kept = await started();
    const others = [await started(), await started(['notes'], 'ios')];
    clock.advance(1000);

    const ended = await endAllOfAccount(deps, account, { ...cause, keep: kept.id });

    expect(ended.toSorted()).toEqual(others.map(({ id }) => id).toSorted());
    expect(await liveSessionsOf(deps, account)).toMatchObject([{ id: kept.id }]);
    expect(await store.get(rosters, account)).toMatchObject({
      notBefore: clock.now(),
      entries: [{ sid: kept.id }],
    });
  });

  it('ends one that lies behind more ended ones than any list would show', async () => {
    const old = await started(['notes'], 'ios');
    for (let count = 0; count < 450; count += 1) {
      clock.advance(1);
      await endSession(deps, (await started()).id, cause);
    }

    const ended = await endAllOfAccount(deps, account, { reason: 'banned', by: 'admin:test' });

    expect(ended).toEqual([old.id]);
  });

  it('leaves none behind that was admitted at the same moment (I3, I8)', async () => {
    clock.advance(1000);
    const admissions = Array.from({ length: 5 }, () => started());

    await Promise.all([...admissions, endAllOfAccount(deps, account, cause)]);

    expect(await liveSessionsOf(deps, account)).toEqual([]);
  });

  it('moves notBefore for an account that was never signed in', async () => {
    await endAllOfAccount(deps, account, cause);

    expect((await store.get(rosters, account))?.notBefore).toBe(clock.now());
  });
});

describe('sweepOnce', () => {
  it('ends what ran idle with its reason and leaves the rest', async () => {
    const idle = await started();
    const phone = await started(['notes'], 'ios');
    clock.advance(8 * HOUR);

    await sweepOnce({ store, clock, settings });

    expect((await sessionNow(idle)).ended).toMatchObject({ reason: 'idle', by: 'system' });
    expect((await sessionNow(phone)).state).toBe('live');
  });

  it('answers that there is more where it took a whole bite', async () => {
    for (let count = 0; count < 101; count += 1) await started();
    clock.advance(8 * HOUR);

    expect(await sweepOnce({ store, clock, settings })).toBe(true);
    expect(await sweepOnce({ store, clock, settings })).toBe(false);
    expect(await liveSessionsOf(deps, account)).toEqual([]);
  });

  it('removes tombstones when their time has come', async () => {
    const session = await started();
    await endSession(deps, session.id, cause);
    clock.advance(settings.tombstonesMs);

    await sweepOnce({ store, clock, settings });

    expect(await store.get(deviceSessions, session.id)).toBeUndefined();
  });
});

describe('a wake-up', () => {
  /** What was told until now of which session, as the session was when the wake-up came. */
  function listening() {
    const told: { id: string | undefined; hasEnd: boolean }[] = [];
    const end = store.subscribe(SESSIONS_TOPIC, async (id) => {
      const session = id === undefined ? undefined : await store.get(deviceSessions, id);
      const hasEnd = session?.state === 'ended' || session?.apps[1]?.ended !== undefined;
      told.push({ id, hasEnd });
    });
    return async () => {
      const last = Promise.withResolvers<void>();
      const endLast = store.subscribe(SESSIONS_TOPIC, () => last.resolve());
      store.notify(SESSIONS_TOPIC, 'the last');
      await last.promise;
      end();
      endLast();
      return told.filter(({ id }) => id !== 'the last');
    };
  }

  it.each<[string, (session: DeviceSession) => Promise<unknown>]>([
    ['a session', ({ id }) => endSession(deps, id, cause)],
    ['one app of several', ({ id }) => endApp(deps, { sessionId: id, appNumber: '1' }, cause)],
    ['everything of an account', () => endAllOfAccount(deps, account, cause)],
    ['what a newer sign-in replaces', () => started(['notes'], 'web', { deviceKey: 'the browser' })],
    [
      'what ran idle',
      async () => {
        clock.advance(8 * HOUR);
        await sweepOnce({ store, clock, settings });
      },
    ],
  ])('follows the commit that ends %s, and names the session', async (_what, end) => {
    const session = await started(['notes', 'mail'], 'web', { deviceKey: 'the browser' });
    const toldSoFar = listening();

    await end(session);

    expect(await toldSoFar()).toEqual([{ id: session.id, hasEnd: true }]);
  });

  it('comes for nobody where nothing has ended', async () => {
    const session = await started();
    await endSession(deps, session.id, cause);
    const toldSoFar = listening();

    await endSession(deps, session.id, cause);
    await endApp(deps, { sessionId: session.id, appNumber: '1' }, cause);
    await endAllOfAccount(deps, account, cause);
    await sweepOnce({ store, clock, settings });
    await started();

    expect(await toldSoFar()).toEqual([]);
  });
});
