import { describe, expect, it } from 'vitest';
import {
  type ConsentKey,
  consentCheck,
  covers,
  findConsent,
  listConsents,
  recordConsent,
  withdrawConsent,
} from '../../src/accounts/consent.ts';
import type { AccountId } from '../../src/core/ids.ts';
import { testClock } from '../support/test-clock.ts';
import { memoryStore } from './fixtures.ts';

const key: ConsentKey = { accountId: 'acc_alice' as AccountId, clientId: 'https://app.example' };
const api = 'https://api.example/v1';
const nothing = { openid: [], resources: {}, claims: [] };
const first = { openid: ['openid', 'email'], resources: { [api]: ['read'] }, claims: ['nickname'] };

describe('recordConsent', () => {
  it('remembers what was allowed', async () => {
    const deps = await setUp();

    const consent = await recordConsent(deps, key, first);

    expect(consent).toEqual({ ...key, ...first, revision: 1, grantedAt: deps.clock.now() });
    await expect(findConsent(deps.store, key)).resolves.toEqual(consent);
    await expect(findConsent(deps.store, { ...key, clientId: 'other' })).resolves.toBeUndefined();
  });

  it('adds to it, one revision further', async () => {
    const deps = await setUp();
    await recordConsent(deps, key, first);
    deps.clock.advance(1_000);

    await recordConsent(deps, key, {
      openid: ['openid', 'profile'],
      resources: { [api]: ['write', 'read'], 'urn:other': ['all'] },
      claims: [],
    });

    await expect(findConsent(deps.store, key)).resolves.toEqual({
      ...key,
      openid: ['openid', 'email', 'profile'],
      resources: { [api]: ['read', 'write'], 'urn:other': ['all'] },
      claims: ['nickname'],
      revision: 2,
      grantedAt: deps.clock.now(),
    });
  });

  it('writes nothing when nothing is new', async () => {
    const deps = await setUp();
    const consent = await recordConsent(deps, key, first);
    deps.store.reset();

    await expect(recordConsent(deps, key, { ...nothing, openid: ['email'] })).resolves.toEqual(consent);

    expect(deps.store.counts().commits).toBe(0);
  });

  it('loses none of several given at once', async () => {
    const deps = await setUp();
    const scopes = ['a', 'b', 'c', 'd', 'e'];

    await Promise.all(scopes.map((scope) => recordConsent(deps, key, { ...nothing, openid: [scope] })));

    const consent = await findConsent(deps.store, key);
    expect([...(consent?.openid ?? [])].sort()).toEqual(scopes);
    expect(consent?.revision).toBe(5);
  });

  it('takes a resource called like a property of every object for a resource', async () => {
    const deps = await setUp();

    const consent = await recordConsent(deps, key, { ...nothing, resources: { constructor: ['read'] } });

    expect(consent.resources).toEqual({ constructor: ['read'] });
  });
});

describe('withdrawConsent', () => {
  it('takes everything back, once', async () => {
    const deps = await setUp();
    await recordConsent(deps, key, first);

    await expect(withdrawConsent(deps, key)).resolves.toBe(true);

    await expect(findConsent(deps.store, key)).resolves.toBeUndefined();
    await expect(withdrawConsent(deps, key)).resolves.toBe(false);
  });

  it('starts from nothing when consent is given again, with a revision of its own', async () => {
    const deps = await setUp();
    await recordConsent(deps, key, first);
    await withdrawConsent(deps, key);

    const again = await recordConsent(deps, key, { ...nothing, openid: ['openid'] });

    expect(again).toMatchObject({ openid: ['openid'], resources: {}, claims: [], revision: 3 });
    await expect(findConsent(deps.store, key)).resolves.toEqual(again);
    deps.clock.advance(10 * 86_400_000);
    await expect(findConsent(deps.store, key)).resolves.toEqual(again);
  });

  it('forgets a withdrawn consent a day later', async () => {
    const deps = await setUp();
    await recordConsent(deps, key, first);
    await withdrawConsent(deps, key);
    deps.clock.advance(86_400_000);

    await expect(listConsents(deps.store, key.accountId, { limit: 10 })).resolves.toEqual({ records: [] });
    await expect(recordConsent(deps, key, first)).resolves.toMatchObject({ revision: 1 });
  });
});

describe('consentCheck', () => {
  it('lets a commit pass while the consent is the one that the code rests on', async () => {
    const deps = await setUp();
    const { revision } = await recordConsent(deps, key, first);

    await expect(deps.store.commit([consentCheck(key, revision)])).resolves.toEqual({ committed: true });
  });

  it.each([
    ['was withdrawn', async (deps: Deps) => withdrawConsent(deps, key)],
    [
      'was withdrawn and given again',
      async (deps: Deps) => {
        await withdrawConsent(deps, key);
        await recordConsent(deps, key, first);
      },
    ],
    ['was widened', async (deps: Deps) => recordConsent(deps, key, { ...nothing, openid: ['more'] })],
  ])('fails it when the consent %s', async (_name, meanwhile) => {
    const deps = await setUp();
    const { revision } = await recordConsent(deps, key, first);
    await meanwhile(deps);

    await expect(deps.store.commit([consentCheck(key, revision)])).resolves.toMatchObject({
      committed: false,
    });
  });

  it.each([1, 2])('fails it for a withdrawn consent, by whatever revision (%i)', async (revision) => {
    const deps = await setUp();
    await recordConsent(deps, key, first);
    await withdrawConsent(deps, key);

    await expect(deps.store.commit([consentCheck(key, revision)])).resolves.toMatchObject({
      committed: false,
    });
  });

  it('fails it where there never was a consent', async () => {
    const deps = await setUp();

    await expect(deps.store.commit([consentCheck(key, 1)])).resolves.toMatchObject({ committed: false });
  });
});

describe('listConsents', () => {
  it('lists those of one account', async () => {
    const deps = await setUp();
    await recordConsent(deps, key, first);
    await recordConsent(deps, { ...key, accountId: 'acc_bob' as AccountId }, first);

    const { records } = await listConsents(deps.store, key.accountId, { limit: 10 });

    expect(records.map((consent) => consent.accountId)).toEqual(['acc_alice']);
  });
});

describe('covers', () => {
  it.each([
    ['nothing at all', nothing, true],
    ['a part', { ...nothing, openid: ['email'], resources: { [api]: ['read'] } }, true],
    ['the whole', first, true],
    ['an OpenID scope more', { ...nothing, openid: ['profile'] }, false],
    ['a claim more', { ...nothing, claims: ['address'] }, false],
    ['an API scope more', { ...nothing, resources: { [api]: ['read', 'write'] } }, false],
    ['another API', { ...nothing, resources: { 'urn:other': ['read'] } }, false],
    ['an API called like a property of every object', { ...nothing, resources: { toString: ['x'] } }, false],
  ])('is asked for %s: %s', (_name, wanted, expected) => {
    expect(covers(first, wanted)).toBe(expected);
  });
});

type Deps = Awaited<ReturnType<typeof setUp>>;

async function setUp() {
  const clock = testClock();
  return { clock, store: await memoryStore(clock) };
}
