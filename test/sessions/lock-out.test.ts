import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Account, accounts, createAccount, getAccount, logins } from '../../src/accounts/account.ts';
import { newAccountId } from '../../src/core/ids.ts';
import { admit } from '../../src/sessions/admission.ts';
import { type DeviceSession, deviceSessions } from '../../src/sessions/device-session.ts';
import { type LockOutDeps, lockOut } from '../../src/sessions/lock-out.ts';
import { revocations } from '../../src/sessions/revocations.ts';
import { rosters } from '../../src/sessions/roster.ts';
import { openStore } from '../../src/storage/open.ts';
import { patch, type Store } from '../../src/storage/store.ts';
import { forwardingStore } from '../support/forwarding-store.ts';
import { type TestClock, testClock } from '../support/test-clock.ts';
import { platforms, sessionWith } from './session-fixtures.ts';

const DAY = 86_400_000;
const settings = { rosterMax: 200, tombstonesMs: 90 * DAY };
const ban = { reason: 'banned', by: 'admin:test', note: 'sells fakes' } as const;

let clock: TestClock;
let store: Store;
let deps: LockOutDeps;
let account: Account;

beforeEach(async () => {
  clock = testClock();
  const types = [accounts, logins, deviceSessions, rosters, revocations];
  store = await openStore({ url: 'sqlite::memory:', dataDir: '', clock, types });
  deps = { store, clock, settings };
  const outcome = await createAccount(deps, { name: 'Ada', username: 'ada' });
  if (outcome.kind !== 'created') throw new Error(outcome.kind);
  account = outcome.account;
});

afterEach(() => store.close());

function signIn(platform: string, authenticatedAt = clock.now()) {
  const session = sessionWith(['notes'], { now: clock.now(), accountId: account.id, platform });
  return admit({ store, clock, platforms, settings }, { session, authenticatedAt }).then((outcome) => ({
    session,
    outcome,
  }));
}

async function sessionNow({ id }: DeviceSession): Promise<DeviceSession | undefined> {
  return store.get(deviceSessions, id);
}

describe('lockOut', () => {
  it('locks the account and ends every session with the reason, in one commit (I1)', async () => {
    const { session: phone } = await signIn('ios');
    const { session: browser } = await signIn('web');
    let commits = 0;
    const counting = forwardingStore(store, {
      commit: (writes) => {
        commits += 1;
        return store.commit(writes);
      },
    });

    const ended = await lockOut({ ...deps, store: counting }, account.id, ban);

    expect(ended.toSorted()).toEqual([phone.id, browser.id].toSorted());
    for (const session of [phone, browser]) {
      const end = { reason: 'banned', by: 'admin:test', at: clock.now() };
      expect(await sessionNow(session)).toMatchObject({ state: 'ended', ended: end });
    }
    expect(await getAccount(store, account.id)).toMatchObject({
      state: 'locked',
      lockedReason: 'sells fakes',
    });
    expect(commits).toBe(1);
  });

  it('refuses a sign-in that was under way', async () => {
    const authenticatedAt = clock.now();
    await lockOut(deps, account.id, ban);
    clock.advance(1);

    expect((await signIn('ios', authenticatedAt)).outcome).toEqual({ kind: 'too_late' });
  });

  it('ends what is live of an account that is locked already, and keeps when and why it was locked', async () => {
    await lockOut(deps, account.id, ban);
    clock.advance(DAY);
    const { session } = await signIn('ios');

    await lockOut(deps, account.id, { ...ban, reason: 'admin', note: 'again' });

    expect((await sessionNow(session))?.ended?.reason).toBe('admin');
    expect(await getAccount(store, account.id)).toMatchObject({
      lockedReason: 'sells fakes',
      lockedAt: clock.now() - DAY,
    });
  });

  it('decides again when the account was changed in between', async () => {
    const { session } = await signIn('ios');
    let first = true;
    const racing = forwardingStore(store, {
      commit: async (writes) => {
        if (first) {
          first = false;
          await store.commit([patch(accounts, account.id, { set: [[['revision'], 2]] })]);
        }
        return store.commit(writes);
      },
    });

    await lockOut({ ...deps, store: racing }, account.id, ban);

    expect((await getAccount(store, account.id)).state).toBe('locked');
    expect((await sessionNow(session))?.state).toBe('ended');
  });

  it('says when there is no such account', async () => {
    await expect(lockOut(deps, newAccountId(), ban)).rejects.toMatchObject({ code: 'not_found' });
  });
});
