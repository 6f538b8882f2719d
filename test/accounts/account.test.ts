import { describe, expect, it } from 'vitest';
import {
  createAccount,
  findAccount,
  findAccountByLogin,
  getAccount,
  isLoginTaken,
  listAccounts,
  logins,
  newAccount,
  normalizeName,
} from '../../src/accounts/account.ts';
import type { AccountId } from '../../src/core/ids.ts';
import { testClock } from '../support/test-clock.ts';
import { memoryStore } from './fixtures.ts';

const alice = {
  name: 'Alice',
  email: 'Alice@Example.com',
  emailVerified: true,
  username: 'ALICE',
  groups: ['staff'],
  roles: ['editor'],
  attributes: { plan: 'gold' },
  profile: { locale: 'en' },
};

describe('createAccount', () => {
  it('stores the account in canonical form', async () => {
    const deps = await setUp();

    const created = await createAccount(deps, { ...alice, passwordHash: '$argon2id$…' });

    const stored = await findAccountByLogin(deps.store, 'alice@example.com');
    expect(created).toEqual({ kind: 'created', account: stored });
    expect(stored).toEqual({
      id: expect.stringMatching(/^acc_[\w-]{22}$/),
      state: 'active',
      name: 'Alice',
      email: 'alice@example.com',
      emailVerified: true,
      username: 'alice',
      groups: ['staff'],
      roles: ['editor'],
      attributes: { plan: 'gold' },
      profile: { locale: 'en' },
      password: { hash: '$argon2id$…', changedAt: deps.clock.now() },
      createdAt: deps.clock.now(),
      revision: 1,
    });
  });

  it.each([
    ['e-mail address', { name: 'Other', email: 'ＡＬＩＣＥ@example.com' }, 'email:alice@example.com'],
    ['user name', { name: 'Other', email: 'other@example.com', username: 'Alice' }, 'name:alice'],
  ])('refuses a second account with the same %s and leaves nothing of it', async (_name, other, login) => {
    const deps = await setUp();
    await createAccount(deps, alice);

    await expect(createAccount(deps, other)).resolves.toEqual({ kind: 'taken', login });

    const { records } = await listAccounts(deps.store, { limit: 10 });
    expect(records.map((account) => account.name)).toEqual(['Alice']);
    await expect(isLoginTaken(deps.store, 'email:other@example.com')).resolves.toBe(false);
  });

  it('makes one account of twenty at once with one address (I2)', async () => {
    const deps = await setUp();

    const outcomes = await Promise.all(Array.from({ length: 20 }, () => createAccount(deps, alice)));

    expect(outcomes.filter((outcome) => outcome.kind === 'created')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome.kind === 'taken')).toHaveLength(19);
    expect((await listAccounts(deps.store, { limit: 100 })).records).toHaveLength(1);
  });

  it.each([
    ['name', { name: ' \n ', email: 'a@example.com' }],
    ['name', { name: 'x'.repeat(101), email: 'a@example.com' }],
    ['email', { name: 'A', email: 'nowhere' }],
    ['username', { name: 'A', username: '@' }],
    ['login', { name: 'A' }],
  ])('refuses a bad %s', async (field, wanted) => {
    const deps = await setUp();

    await expect(createAccount(deps, wanted)).resolves.toEqual({ kind: 'invalid', field });
    expect(deps.store.counts().commits).toBe(0);
  });
});

describe('newAccount', () => {
  it('calls no address verified where there is none', () => {
    const draft = newAccount({ name: 'Bob', username: 'bob', emailVerified: true }, 0);

    expect(draft).toMatchObject({ kind: 'valid', account: { emailVerified: false } });
  });

  it('shares no list with what it was made from', () => {
    const draft = newAccount(alice, 0);
    if (draft.kind === 'valid') draft.account.groups.push('admins');

    expect(alice.groups).toEqual(['staff']);
  });
});

describe('findAccountByLogin', () => {
  it.each(['alice@example.com', ' ALICE@EXAMPLE.COM ', 'alice', 'Alice'])('finds by %j', async (typed) => {
    const deps = await setUp();
    await createAccount(deps, alice);

    await expect(findAccountByLogin(deps.store, typed)).resolves.toMatchObject({ name: 'Alice' });
  });

  it.each(['bob', 'bob@example.com', '', 'acc_none', 'email:alice@example.com', '../logins', '\u0000'])(
    'reads as much when it finds nothing by %j (I10)',
    async (typed) => {
      const deps = await setUp();
      await createAccount(deps, alice);
      deps.store.reset();
      await findAccountByLogin(deps.store, 'alice');
      const found = deps.store.counts();
      deps.store.reset();

      await expect(findAccountByLogin(deps.store, typed)).resolves.toBeUndefined();

      expect(deps.store.counts()).toEqual(found);
    },
  );

  it('does not find a login that points to no account', async () => {
    const deps = await setUp();
    await deps.store.commit([
      { kind: 'put', type: logins, id: 'name:ghost', body: { accountId: 'acc_gone' } },
    ]);

    await expect(findAccountByLogin(deps.store, 'ghost')).resolves.toBeUndefined();
  });
});

describe('getAccount', () => {
  it('throws where findAccount answers nothing', async () => {
    const { store } = await setUp();

    await expect(findAccount(store, 'acc_x')).resolves.toBeUndefined();
    await expect(getAccount(store, 'acc_x' as AccountId)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('listAccounts', () => {
  it('goes through all of them page by page', async () => {
    const deps = await setUp();
    for (const username of ['one', 'two', 'three']) await createAccount(deps, { name: username, username });

    const first = await listAccounts(deps.store, { limit: 2 });
    const second = await listAccounts(deps.store, { limit: 2, after: first.next ?? '' });

    const names = [...first.records, ...second.records].map((account) => account.name);
    expect(names.sort()).toEqual(['one', 'three', 'two']);
    expect(second.next).toBeUndefined();
  });
});

describe('normalizeName', () => {
  it.each([
    ['  Ada\u00A0 \n Lovelace ', 'Ada Lovelace'],
    ['李 小龙', '李 小龙'],
    ['Zoe\u0308', 'Zoë'],
    ['👩‍👩‍👧', '👩‍👩‍👧'],
  ])('writes %j as %s', (typed, name) => {
    expect(normalizeName(typed)).toBe(name);
  });

  it.each([
    '',
    ' ',
    'a\u0000b',
    'a\u001b[2Jb',
    '\u202Egnp.exe',
    'a\ud800',
    'x'.repeat(101),
    'x'.repeat(1_000),
  ])('refuses %j', (typed) => {
    expect(normalizeName(typed)).toBeUndefined();
  });
});

async function setUp() {
  const clock = testClock();
  return { clock, store: await memoryStore(clock) };
}
