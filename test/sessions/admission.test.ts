import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { platformsSection } from '../../src/config/platforms.ts';
import { type AccountId, newAccountId, newSessionId, type SessionId } from '../../src/core/ids.ts';
import { type AdmissionDeps, admit, type Candidate } from '../../src/sessions/admission.ts';
import { type DeviceSession, deviceSessions } from '../../src/sessions/device-session.ts';
import { endAllOfAccount, endSession } from '../../src/sessions/ending.ts';
import { newDeviceSession } from '../../src/sessions/new-session.ts';
import { revocations } from '../../src/sessions/revocations.ts';
import { rosters } from '../../src/sessions/roster.ts';
import { openStore } from '../../src/storage/open.ts';
import { recordType } from '../../src/storage/record-type.ts';
import { insert, type Store } from '../../src/storage/store.ts';
import { meetingAt, meetingPoint, withoutRosterPrecondition } from '../support/admissions.ts';
import { forwardingStore } from '../support/forwarding-store.ts';
import { type TestClock, testClock } from '../support/test-clock.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const platforms = platformsSection.parse({});
const coupons = recordType<{ by: string }>('coupon');

let clock: TestClock;
let store: Store;
let account: AccountId;

beforeEach(async () => {
  clock = testClock();
  store = await openStore({
    url: 'sqlite::memory:',
    dataDir: '',
    clock,
    types: [deviceSessions, rosters, revocations, coupons],
  });
  account = newAccountId();
});

afterEach(() => store.close());

function depsWith(rosterMax = 200, over: Store = store): AdmissionDeps {
  return { store: over, clock, platforms, settings: { rosterMax, tombstonesMs: 90 * DAY } };
}

function endingDeps() {
  return { store, clock, settings: { tombstonesMs: 90 * DAY, accessTokenMaxMs: HOUR } };
}

function candidate(
  more: { platform?: string; deviceKey?: string; authenticatedAt?: number } = {},
): Candidate {
  const { platform = 'ios', deviceKey, authenticatedAt = clock.now() } = more;
  const session = newDeviceSession(
    {
      id: newSessionId(),
      accountId: account,
      platform,
      device: { name: platform },
      auth: { time: Math.floor(authenticatedAt / 1000), acr: 'one', amr: ['pwd'] },
      startedBy: { how: 'password' },
    },
    { now: clock.now(), platforms },
  );
  return { session, authenticatedAt, ...(deviceKey !== undefined && { deviceKey }) };
}

async function admitted(deps: AdmissionDeps, given = candidate()): Promise<SessionId> {
  const outcome = await admit(deps, given);
  expect(outcome.kind).toBe('admitted');
  return given.session.id;
}

async function sessionOf(id: SessionId): Promise<DeviceSession | undefined> {
  return store.get(deviceSessions, id);
}

async function rosterIds(): Promise<SessionId[]> {
  return ((await store.get(rosters, account))?.entries ?? []).map(({ sid }) => sid);
}

async function liveIds(): Promise<SessionId[]> {
  const page = await store.list(deviceSessions, 'account', account, { limit: 1000 });
  return page.records.filter(({ state }) => state === 'live').map(({ id }) => id);
}

describe('admit', () => {
  it('inserts the session and enters it in the roster, in one commit', async () => {
    const id = await admitted(depsWith());

    expect((await sessionOf(id))?.state).toBe('live');
    expect(await store.get(rosters, account)).toMatchObject({
      version: 1,
      entries: [{ sid: id, platform: 'ios' }],
    });
  });

  it('ends the one that has been signed in longest where there are too many (I3)', async () => {
    const ids: SessionId[] = [];
    for (let count = 0; count < 4; count += 1) {
      ids.push(await admitted(depsWith(3)));
      clock.advance(1000);
    }

    expect((await sessionOf(ids[0] as SessionId))?.ended).toMatchObject({ reason: 'policy', by: ids[3] });
    expect(await rosterIds()).toEqual(ids.slice(1));
  });

  it('ends as many as a smaller limit asks for', async () => {
    for (let count = 0; count < 5; count += 1) {
      await admitted(depsWith(5));
      clock.advance(1000);
    }

    const last = await admitted(depsWith(2));

    expect(await liveIds()).toHaveLength(2);
    expect(await rosterIds()).toContain(last);
  });

  it('replaces the session of the same device before it counts, and tells whom', async () => {
    const other = await admitted(depsWith(2));
    clock.advance(1000);
    const before = await admitted(depsWith(2), candidate({ deviceKey: 'phone' }));
    clock.advance(1000);

    const outcome = await admit(depsWith(2), candidate({ deviceKey: 'phone' }));

    expect(outcome).toEqual({ kind: 'admitted', replaced: [before] });
    expect((await sessionOf(before))?.ended?.reason).toBe('replaced');
    expect((await sessionOf(other))?.state).toBe('live');
  });

  it('gives an entry that ran idle its own end, and ends nobody else for it', async () => {
    const idle = await admitted(depsWith(2), candidate({ platform: 'web' }));
    clock.advance(8 * HOUR);
    const kept = await admitted(depsWith(2));

    expect((await sessionOf(idle))?.ended).toMatchObject({ reason: 'idle', by: 'system' });
    expect(await rosterIds()).toEqual([kept]);
    await admitted(depsWith(2));
    expect((await sessionOf(kept))?.state).toBe('live');
  });

  it('calls an entry expired that reached its absolute limit', async () => {
    const given = candidate({ platform: 'web' });
    const { idleUntil: _idle, ...session } = given.session;
    await admit(depsWith(), { ...given, session });
    clock.advance(24 * HOUR);

    await admitted(depsWith());

    expect((await sessionOf(session.id))?.ended?.reason).toBe('expired');
  });

  it('calls the same device idle rather than replaced where it was', async () => {
    const before = await admitted(depsWith(), candidate({ platform: 'web', deviceKey: 'browser' }));
    clock.advance(8 * HOUR);

    await admitted(depsWith(), candidate({ platform: 'web', deviceKey: 'browser' }));

    expect((await sessionOf(before))?.ended?.reason).toBe('idle');
  });

  it('drops entries that were ended without the roster, and leaves their ends as they were', async () => {
    const ended = await admitted(depsWith(2));
    const kept = await admitted(depsWith(2));
    await endSession(endingDeps(), ended, { reason: 'signed_out', by: 'account' });

    const last = await admitted(depsWith(2));

    expect(await rosterIds()).toEqual([kept, last]);
    expect((await sessionOf(ended))?.ended?.reason).toBe('signed_out');
    expect((await sessionOf(kept))?.state).toBe('live');
  });

  it('lets a refresh win that moves the limit of an idle session in between', async () => {
    const idle = await admitted(depsWith(), candidate({ platform: 'web' }));
    clock.advance(8 * HOUR);
    const later = clock.now() + HOUR;
    const racing = beforeCommit(async () => {
      await store.commit([
        {
          kind: 'patch',
          type: deviceSessions,
          id: idle,
          when: [],
          set: [
            [['idleUntil'], later],
            [['dueAt'], later],
          ],
        },
      ]);
    });

    await admitted(depsWith(200, racing));

    expect((await sessionOf(idle))?.state).toBe('live');
    expect(await rosterIds()).toHaveLength(2);
  });

  it('refuses whoever authenticated before everything was ended, also at that very moment', async () => {
    const given = candidate();
    await endAllOfAccount(endingDeps(), account, { reason: 'banned', by: 'admin:test' });

    expect(await admit(depsWith(), given)).toEqual({ kind: 'too_late' });
    expect(await liveIds()).toEqual([]);
    clock.advance(1);
    expect((await admit(depsWith(), candidate())).kind).toBe('admitted');
  });

  it('refuses also when everything is ended between its look and its commit (I8)', async () => {
    const given = candidate();
    clock.advance(1000);
    const racing = beforeCommit(async () => {
      await endAllOfAccount(endingDeps(), account, { reason: 'banned', by: 'admin:test' });
    });

    expect(await admit(depsWith(200, racing), given)).toEqual({ kind: 'too_late' });
    expect(await liveIds()).toEqual([]);
  });

  it('commits what belongs to it together, and says which of it was lost', async () => {
    const first = candidate();
    const second = candidate();
    const coupon = (by: SessionId) => [insert(coupons, 'coupon', { by })];

    expect((await admit(depsWith(), first, coupon(first.session.id))).kind).toBe('admitted');
    expect(await admit(depsWith(), second, coupon(second.session.id))).toMatchObject({
      kind: 'lost',
      failed: { index: 0, cause: 'exists' },
    });
    expect(await sessionOf(second.session.id)).toBeUndefined();
    expect(await rosterIds()).toEqual([first.session.id]);
  });

  it('never leaves more sessions than the limit of twenty that come at once, and ends none in vain (I3)', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => admit(depsWith(3), candidate())));

    expect(outcomes.every(({ kind }) => kind === 'admitted')).toBe(true);
    const live = await liveIds();
    expect(live).toHaveLength(3);
    expect((await rosterIds()).toSorted()).toEqual(live.toSorted());
    const page = await store.list(deviceSessions, 'account', account, { limit: 1000 });
    expect(page.records).toHaveLength(20);
    const reasons = page.records.flatMap(({ ended }) => ended?.reason ?? []);
    expect(new Set(reasons)).toEqual(new Set(['policy']));
    expect(reasons).toHaveLength(17);
  });

  it('would leave more without its precondition on the roster: the test above can fail', async () => {
    const careless = withoutRosterPrecondition(store);
    const arrive = meetingPoint(20);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => admit(depsWith(3, meetingAt(careless, arrive)), candidate())),
    );

    expect(outcomes.every(({ kind }) => kind === 'admitted')).toBe(true);
    expect((await liveIds()).length).toBeGreaterThan(3);
  });

  it('holds the limit with the same timing while the precondition is there', async () => {
    const arrive = meetingPoint(20);

    await Promise.all(
      Array.from({ length: 20 }, () => admit(depsWith(3, meetingAt(store, arrive)), candidate())),
    );

    expect(await liveIds()).toHaveLength(3);
  });

  it('leaves other accounts alone', async () => {
    const mine = await admitted(depsWith(1));
    account = newAccountId();

    await admitted(depsWith(1));

    expect((await sessionOf(mine))?.state).toBe('live');
  });
});

/** The store, with something that happens just before its first commit. */
function beforeCommit(happens: () => Promise<void>): Store {
  let done = false;
  return withCommit(store, async (writes) => {
    if (!done) {
      done = true;
      await happens();
    }
    return store.commit(writes);
  });
}

function withCommit(over: Store, commit: Store['commit']): Store {
  return forwardingStore(over, { commit });
}
