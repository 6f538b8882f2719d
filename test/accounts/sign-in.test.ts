import { describe, expect, it } from 'vitest';
import { createAccount, findAccountByLogin, getAccount } from '../../src/accounts/account.ts';
import { lockAccount, unlockAccount } from '../../src/accounts/account-changes.ts';
import { acrSingleFactor } from '../../src/accounts/authentication-levels.ts';
import { createPasswordHasher, type PasswordHasher } from '../../src/accounts/hash-queue.ts';
import { createSignInLimits, signIn } from '../../src/accounts/sign-in.ts';
import { DomainError } from '../../src/core/errors.ts';
import { testClock } from '../support/test-clock.ts';
import { cheapPasswords, countingPasswords, memoryStore } from './fixtures.ts';

const right = { identifier: 'alice@example.com', password: 'correct horse', address: '198.51.100.1' };
const wrong = { ...right, password: 'wrong horse' };

describe('signIn', () => {
  it.each(['alice@example.com', 'Alice@Example.COM', 'alice', 'ALICE '])(
    'signs in as %j',
    async (identifier) => {
      const { deps } = await setUp();
      deps.clock.set(1_767_225_600_900);

      const outcome = await signIn(deps, { ...right, identifier });

      expect(outcome).toEqual({
        kind: 'signed_in',
        account: await findAccountByLogin(deps.store, 'alice'),
        auth: { time: 1_767_225_600, at: 1_767_225_600_900, acr: acrSingleFactor, amr: ['pwd'] },
      });
    },
  );

  it.each([
    ['a wrong password', wrong],
    ['an unknown address', { ...right, identifier: 'nobody@example.com' }],
    ['an unknown name', { ...right, identifier: 'nobody' }],
    ['what can be no name', { ...right, identifier: '<script>' }],
    ['no name', { ...right, identifier: '' }],
    ['no password', { ...right, password: '' }],
    ['a locked account with the right password', { ...right, identifier: 'locked' }],
    ['a locked account with a wrong password', { ...wrong, identifier: 'locked' }],
    ['an account without a password', { ...right, identifier: 'keyless' }],
    ['an enormous password', { ...right, password: 'x'.repeat(60_000) }],
  ])('refuses %s by the same answer after the same work (I10)', async (_name, attempt) => {
    const { deps } = await setUp();

    const outcome = await signIn(deps, attempt);

    expect(outcome).toEqual({ kind: 'refused' });
    expect(deps.passwords.hashes()).toBe(1);
    expect(deps.store.counts()).toMatchObject({ gets: 2, finds: 0, lists: 0, scans: 0, commits: 0 });
  });

  it('limits failures by login, the same for one that does not exist', async () => {
    const { deps } = await setUp({ failuresMax: 3 });

    for (const identifier of ['alice', 'nobody']) {
      const attempt = { ...wrong, identifier };
      const outcomes = [];
      for (let n = 0; n < 5; n += 1) outcomes.push(await signIn(deps, attempt));

      expect(outcomes.map((outcome) => outcome.kind)).toEqual([
        'refused',
        'refused',
        'refused',
        'limited',
        'limited',
      ]);
      expect(outcomes.at(-1)).toEqual({ kind: 'limited', retryAfterSeconds: 300 });
    }
  });

  it('does no work for whom it limits, be the password right', async () => {
    const { deps } = await setUp({ failuresMax: 1 });
    await signIn(deps, wrong);
    deps.store.reset();

    await expect(signIn(deps, right)).resolves.toMatchObject({ kind: 'limited' });

    expect(deps.store.counts().gets).toBe(0);
    expect(deps.passwords.hashes()).toBe(1);
  });

  it('lets parallel guesses through no more often than the limit says', async () => {
    const { deps } = await setUp({ failuresMax: 4 });

    const outcomes = await Promise.all(Array.from({ length: 20 }, () => signIn(deps, wrong)));

    expect(outcomes.filter((outcome) => outcome.kind === 'refused')).toHaveLength(4);
    expect(deps.passwords.hashes()).toBe(4);
  });

  it('counts failures only: the right password may be typed as often as one likes', async () => {
    const { deps } = await setUp({ failuresMax: 2 });

    for (let n = 0; n < 30; n += 1) {
      await expect(signIn(deps, right)).resolves.toMatchObject({ kind: 'signed_in' });
    }
  });

  it('lets the owner in from a known device while strangers have used up their guesses', async () => {
    const { deps } = await setUp({ failuresMax: 2 });
    for (let n = 0; n < 3; n += 1) await signIn(deps, { ...wrong, address: `203.0.113.${n}` });

    await expect(signIn(deps, right)).resolves.toMatchObject({ kind: 'limited' });
    await expect(signIn(deps, { ...right, deviceKnown: true })).resolves.toMatchObject({ kind: 'signed_in' });
  });

  it('limits failures by network: ten logins worth, whatever the login', async () => {
    const { deps } = await setUp({ failuresMax: 1 });
    const at = (n: number) => `2001:db8:1:2::${n.toString(16)}`;
    for (let n = 0; n < 10; n += 1) {
      const attempt = { ...wrong, identifier: `user${n}`, address: at(n) };
      await expect(signIn(deps, attempt)).resolves.toMatchObject({ kind: 'refused' });
    }

    await expect(signIn(deps, { ...right, address: at(99) })).resolves.toMatchObject({ kind: 'limited' });
    await expect(signIn(deps, right)).resolves.toMatchObject({ kind: 'signed_in' });
  });

  it('gives another try each share of the window', async () => {
    const { deps } = await setUp({ failuresMax: 3 });
    for (let n = 0; n < 4; n += 1) await signIn(deps, wrong);

    deps.clock.advance(300_000);

    await expect(signIn(deps, right)).resolves.toMatchObject({ kind: 'signed_in' });
  });

  it('counts nothing against anyone while it is overloaded', async () => {
    const { deps } = await setUp({ failuresMax: 2 });
    const full: PasswordHasher = { ...deps.passwords, verify: () => Promise.reject(overloaded()) };

    for (let n = 0; n < 5; n += 1) {
      await expect(signIn({ ...deps, passwords: full }, right)).rejects.toMatchObject({ code: 'overloaded' });
    }
    await expect(signIn(deps, right)).resolves.toMatchObject({ kind: 'signed_in' });
  });

  it('hashes again when the cost in force is another, once, and keeps when the password was changed', async () => {
    const { deps } = await setUp();
    const before = await findAccountByLogin(deps.store, 'alice');
    const dearer = createPasswordHasher({ memoryKiB: 16, passes: 2, queueMax: 10 });
    deps.store.reset();

    await signIn({ ...deps, passwords: dearer }, right);
    await signIn({ ...deps, passwords: dearer }, right);

    const after = await findAccountByLogin(deps.store, 'alice');
    expect(deps.store.counts().writes).toEqual(['patch account']);
    expect(after?.password?.hash).toContain('$m=16,t=2,p=1$');
    expect(after?.password?.changedAt).toBe(before?.password?.changedAt);
    await expect(signIn({ ...deps, passwords: dearer }, wrong)).resolves.toEqual({ kind: 'refused' });
  });

  it('dates the authentication before the account was read, so that a lock during the hash outdates it', async () => {
    const { deps } = await setUp();
    const startedAt = deps.clock.now();
    const slow: PasswordHasher = {
      ...deps.passwords,
      verify: (password, hash) => {
        deps.clock.advance(2_000);
        return deps.passwords.verify(password, hash);
      },
    };

    await expect(signIn({ ...deps, passwords: slow }, right)).resolves.toMatchObject({
      auth: { at: startedAt },
    });
  });

  it('does not hash again what failed', async () => {
    const { deps } = await setUp();
    const dearer = createPasswordHasher({ memoryKiB: 16, passes: 2, queueMax: 10 });

    await signIn({ ...deps, passwords: dearer }, wrong);

    expect(deps.store.counts().commits).toBe(0);
  });

  it('signs in although there is no room to hash again', async () => {
    const { deps } = await setUp();
    const busy: PasswordHasher = {
      ...deps.passwords,
      needsRehash: () => true,
      hash: () => Promise.reject(overloaded()),
    };

    await expect(signIn({ ...deps, passwords: busy }, right)).resolves.toMatchObject({ kind: 'signed_in' });
  });

  it('signs in to an account that was unlocked', async () => {
    const { deps, lockedId } = await setUp();
    await unlockAccount(deps, lockedId);

    await expect(signIn(deps, { ...right, identifier: 'locked' })).resolves.toMatchObject({
      kind: 'signed_in',
      account: await getAccount(deps.store, lockedId),
    });
  });
});

async function setUp({ failuresMax = 10 } = {}) {
  const clock = testClock();
  const store = await memoryStore(clock);
  const passwords = cheapPasswords();
  const passwordHash = await passwords.hash(right.password);
  const deps = { store, clock };
  await createAccount(deps, { name: 'Alice', email: 'alice@example.com', username: 'alice', passwordHash });
  await createAccount(deps, { name: 'Keyless', username: 'keyless' });
  const locked = await createAccount(deps, { name: 'Locked', username: 'locked', passwordHash });
  if (locked.kind !== 'created') throw new Error(locked.kind);
  await lockAccount(deps, locked.account.id, 'test');
  store.reset();

  const limits = createSignInLimits({ failuresMax, failureWindow: 900_000 }, clock);
  return {
    deps: { store, clock, limits, passwords: countingPasswords(passwords) },
    lockedId: locked.account.id,
  };
}

function overloaded(): DomainError {
  return new DomainError('overloaded', { retryAfterSeconds: 2 });
}
