import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KEYS_TOPIC, keyRecords, keyUses, openKeyring } from '../../src/keys/keyring.ts';
import { type MasterKeys, masterKeyOf } from '../../src/keys/master-secret.ts';
import { makeSigningKey, signingKeys, verificationKeys } from '../../src/keys/signing-key.ts';
import { openStore } from '../../src/storage/open.ts';
import { put, remove, type Store } from '../../src/storage/store.ts';
import { forwardingStore } from '../support/forwarding-store.ts';
import { type TestClock, testClock } from '../support/test-clock.ts';

const masters = { current: masterKeyOf('a master secret of the tests, long enough') };
const MINUTE = 60_000;

let clock: TestClock;
let store: Store;

beforeEach(async () => {
  clock = testClock();
  store = await openStore({ url: 'sqlite::memory:', dataDir: '', clock, types: [keyRecords] });
});

afterEach(() => store.close());

function keyring(given: MasterKeys = masters, over: Store = store) {
  return openKeyring({
    store: over,
    clock,
    masters: given,
    makeKey: (use) => (use === 'signing' ? makeSigningKey() : undefined),
  });
}

describe('openKeyring', () => {
  it('makes the first key of every use, active at once', async () => {
    const keys = await keyring();

    for (const use of keyUses) expect(keys.current(use).kid).toBe('1');
  });

  it('finds the same keys when it is opened again', async () => {
    const first = await keyring();
    const second = await keyring();

    expect(second.current('refresh').bytes).toEqual(first.current('refresh').bytes);
  });

  it('makes one key of each use when several processes start at the same moment', async () => {
    const rings = await Promise.all(Array.from({ length: 8 }, () => keyring()));

    const distinct = new Set(rings.map((ring) => ring.current('refresh').bytes.toString('hex')));
    expect(distinct.size).toBe(1);
  });

  it('refuses to open with another master secret, says which one it lacks, and makes nothing', async () => {
    await keyring();
    await store.commit([remove(keyRecords, 'qr.1')]);
    const other = masterKeyOf('another');

    await expect(keyring({ current: other })).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: `the key refresh.1 in the store wants the master secret ${masters.current.id}, and the one that is set is ${other.id}`,
    });
    expect(await store.get(keyRecords, 'qr.1')).toBeUndefined();
  });

  it('opens what the master secret before has wrapped, and wraps with the one in force', async () => {
    const before = await keyring();
    const next = { current: masterKeyOf('the next'), previous: masters.current };
    const after = await keyring(next);
    await after.rotate('refresh', { leadMs: 0 });

    expect(after.find('refresh', '1')).toEqual(before.find('refresh', '1'));
    expect(after.find('refresh', '2')?.master).toBe(next.current.id);
    expect(after.current('qr').master).toBe(masters.current.id);
  });

  it('keeps no key in usable form in the store (I7)', async () => {
    const keys = await keyring();
    const stored = JSON.stringify((await store.scan(keyRecords, { limit: 100 })).records);

    for (const use of keyUses) {
      const { bytes } = keys.current(use);
      for (const form of ['hex', 'base64', 'base64url', 'utf8'] as const) {
        expect(stored).not.toContain(bytes.toString(form));
      }
    }
  });

  it('binds each sealed key to its record, so that keys cannot be swapped in the database', async () => {
    await keyring();
    const [one, other] = (await store.scan(keyRecords, { limit: 2 })).records;
    if (!one || !other) throw new Error('there should be two keys');
    await store.commit([put(keyRecords, one.id, { ...one.body, sealed: other.body.sealed })]);

    await expect(keyring()).rejects.toMatchObject({
      detail: `the key ${one.id} in the store is damaged: the master secret ${masters.current.id}, which it names, does not open it`,
    });
  });
});

describe('rotate', () => {
  it('uses the new key only after the lead, and the old one verifies for the time it is kept', async () => {
    const keys = await keyring();
    await keys.rotate('refresh', { leadMs: MINUTE, keepMs: 10 * MINUTE });

    expect(keys.current('refresh').kid).toBe('1');
    expect(keys.find('refresh', '2')).toBeDefined();
    clock.advance(MINUTE);
    expect(keys.current('refresh').kid).toBe('2');
    expect(keys.find('refresh', '1')).toBeDefined();
    clock.advance(10 * MINUTE);
    await keys.reload();
    expect(keys.find('refresh', '1')).toBeUndefined();
    expect(keys.find('refresh', '2')).toBeDefined();
  });

  it('is seen by other processes when they read again', async () => {
    const [one, other] = await Promise.all([keyring(), keyring()]);
    await one.rotate('ticket', { leadMs: 0, keepMs: MINUTE });

    expect(other.find('ticket', '2')).toBeUndefined();
    expect(await other.reload()).toBe(true);
    expect(other.find('ticket', '2')?.bytes).toEqual(one.find('ticket', '2')?.bytes);
    expect(await other.reload()).toBe(false);
  });

  it('makes one key when two processes rotate at once; the loser is told', async () => {
    const [one, other] = await Promise.all([keyring(), keyring()]);
    const outcomes = await Promise.allSettled([
      one.rotate('qr', { leadMs: 0, keepMs: MINUTE }),
      other.rotate('qr', { leadMs: 0, keepMs: MINUTE }),
    ]);

    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });
});

describe('a rotation', () => {
  it('wakes those who follow the keys, after it is done', async () => {
    const ring = await keyring();
    const other = await keyring();
    const known = Promise.withResolvers<string | undefined>();
    store.subscribe(KEYS_TOPIC, async (use) => {
      await other.reload();
      known.resolve(use);
    });

    await ring.rotate('ticket', { leadMs: 0 });

    expect(await known.promise).toBe('ticket');
    expect(other.find('ticket', '2')).toBeDefined();
  });
});

describe('reload', () => {
  it('sees what was there when it was asked, also where an earlier reading is under way', async () => {
    const ring = await keyring();
    const gate = Promise.withResolvers<void>();
    let isHeld = true;
    const held = forwardingStore(store, {
      list: async (...args) => {
        const page = await store.list(...args);
        if (isHeld) await gate.promise;
        return page;
      },
    });
    isHeld = false;
    const other = await keyring(masters, held);
    isHeld = true;
    const early = other.reload();
    await ring.rotate('refresh', { leadMs: 0 });

    const later = [other.reload(), other.reload()];
    gate.resolve();

    expect(await early).toBe(false);
    expect(await Promise.all(later)).toEqual([true, true]);
    expect(other.find('refresh', '2')).toBeDefined();
  });
});

describe('signing keys', () => {
  it('sign with the active key and publish all of them without their private part', async () => {
    const keys = await keyring();
    const before = signingKeys(keys);
    await keys.rotate('signing', { leadMs: MINUTE, keepMs: MINUTE });

    expect(signingKeys(keys)[0]?.kid).toBe(before[0]?.kid);
    expect(verificationKeys(keys)).toHaveLength(2);
    expect(JSON.stringify(verificationKeys(keys))).not.toContain('"d"');
    clock.advance(MINUTE);
    expect(signingKeys(keys)[0]?.kid).not.toBe(before[0]?.kid);
  });
});
