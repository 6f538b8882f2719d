import { describe, expect, it } from 'vitest';
import { type Account, createAccount, getAccount } from '../../src/accounts/account.ts';
import {
  changeAccount,
  changeWrite,
  lockAccount,
  rehashWrite,
  setPassword,
  unlockAccount,
} from '../../src/accounts/account-changes.ts';
import type { AccountId } from '../../src/core/ids.ts';
import { testClock } from '../support/test-clock.ts';
import { memoryStore } from './fixtures.ts';

describe('lockAccount', () => {
  it('locks with time and reason, and unlocks without a trace', async () => {
    const { deps, account } = await setUp();
    deps.clock.advance(5_000);

    const locked = await lockAccount(deps, account.id, 'spam');

    expect(locked).toEqual({
      ...account,
      state: 'locked',
      lockedAt: deps.clock.now(),
      lockedReason: 'spam',
      revision: 2,
    });
    await expect(unlockAccount(deps, account.id)).resolves.toEqual({ ...account, revision: 3 });
  });

  it('keeps time and reason of the first lock', async () => {
    const { deps, account } = await setUp();
    const locked = await lockAccount(deps, account.id, 'spam');
    deps.clock.advance(1_000);

    await expect(lockAccount(deps, account.id, 'again')).resolves.toEqual(locked);
    expect(deps.store.counts().writes).toEqual(['patch account']);
  });

  it('does not know an account that is not there', async () => {
    const { deps } = await setUp();

    await expect(lockAccount(deps, 'acc_x' as AccountId, 'spam')).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

describe('setPassword', () => {
  it('says when it was changed', async () => {
    const { deps, account } = await setUp();
    deps.clock.advance(60_000);

    const changed = await setPassword(deps, account.id, 'new hash');

    expect(changed.password).toEqual({ hash: 'new hash', changedAt: deps.clock.now() });
    expect(changed.revision).toBe(2);
  });
});

describe('changeAccount', () => {
  it('loses no change of several at once', async () => {
    const { deps, account } = await setUp();
    const join = (group: string) => (now: Account) => [[['groups'], [...now.groups, group]]] as const;

    await Promise.all(
      ['a', 'b', 'c', 'd'].map((group) => changeAccount(deps.store, account.id, join(group))),
    );

    const changed = await getAccount(deps.store, account.id);
    expect([...changed.groups].sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(changed.revision).toBe(5);
  });

  it('gives up when others never stop', async () => {
    const { deps, account } = await setUp();
    const alwaysOlder = (now: Account) => {
      void deps.store.commit([changeWrite(now, [])]);
      return [[['name'], 'never']] as const;
    };

    await expect(changeAccount(deps.store, account.id, alwaysOlder)).rejects.toMatchObject({
      code: 'conflict',
    });
    expect((await getAccount(deps.store, account.id)).name).toBe('Alice');
  });
});

describe('rehashWrite', () => {
  it('replaces the hash it was made for and nothing else', async () => {
    const { deps, account } = await setUp();

    await deps.store.commit([rehashWrite(account, 'first hash', 'same password, dearer')]);

    const renewed = await getAccount(deps.store, account.id);
    expect(renewed).toEqual({ ...account, password: { ...account.password, hash: 'same password, dearer' } });
  });

  it('never undoes a password change that came first', async () => {
    const { deps, account } = await setUp();
    await setPassword(deps, account.id, 'second hash');

    const outcome = await deps.store.commit([rehashWrite(account, 'first hash', 'stale')]);

    expect(outcome.committed).toBe(false);
    expect((await getAccount(deps.store, account.id)).password?.hash).toBe('second hash');
  });
});

async function setUp() {
  const clock = testClock();
  const store = await memoryStore(clock);
  const created = await createAccount(
    { store, clock },
    { name: 'Alice', username: 'alice', passwordHash: 'first hash' },
  );
  if (created.kind !== 'created') throw new Error(created.kind);
  store.reset();
  return { deps: { store, clock }, account: created.account };
}
