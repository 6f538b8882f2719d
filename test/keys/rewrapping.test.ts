import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomKey, seal } from '../../src/core/secrets.ts';
import { type Keyring, keyRecords, keyUses, openKeyring } from '../../src/keys/keyring.ts';
import { type MasterKeys, masterKeyOf } from '../../src/keys/master-secret.ts';
import { rewrapKeys } from '../../src/keys/rewrapping.ts';
import { wrap } from '../../src/keys/wrapping.ts';
import { openStore } from '../../src/storage/open.ts';
import { insert, patch, type Store } from '../../src/storage/store.ts';
import { forwardingStore } from '../support/forwarding-store.ts';
import { type TestClock, testClock } from '../support/test-clock.ts';

const old = masterKeyOf('the old master secret');
const fresh = masterKeyOf('the new master secret');
const both: MasterKeys = { current: fresh, previous: old };
const now = { leadMs: 0 };
const PER_USE = 60;

let clock: TestClock;
let store: Store;
let before: Keyring;

beforeEach(async () => {
  clock = testClock();
  store = await openStore({ url: 'sqlite::memory:', dataDir: '', clock, types: [keyRecords] });
  before = await ringWith({ current: old });
});

afterEach(() => store.close());

function ringWith(masters: MasterKeys): Promise<Keyring> {
  return openKeyring({ store, clock, masters });
}

function rewrap(over: Store = store, masters = both) {
  return rewrapKeys({ store: over, masters });
}

/** Every key by its id, as it is when it is open. */
function opened(ring: Keyring): Map<string, string> {
  const keys = keyUses.flatMap((use) => ring.all(use));
  return new Map(keys.map(({ use, kid, bytes }) => [`${use}.${kid}`, bytes.toString('hex')]));
}

async function mastersInStore(): Promise<Record<string, number>> {
  const { records } = await store.scan(keyRecords, { limit: 1_000 });
  const counts: Record<string, number> = {};
  for (const { body } of records) counts[body.master ?? 'none'] = (counts[body.master ?? 'none'] ?? 0) + 1;
  return counts;
}

/** More keys than one commit takes. */
async function addMany(): Promise<void> {
  for (const use of keyUses) {
    const writes = Array.from({ length: PER_USE - 1 }, (_, index) => {
      const number = index + 2;
      const id = `${use}.${number}`;
      const times = { createdAt: clock.now(), activeAt: clock.now() };
      return insert(keyRecords, id, { id, use, number, ...times, ...wrap(old, id, randomKey()) });
    });
    await store.commit(writes);
  }
}

describe('rewrapKeys', () => {
  it('wraps every key anew in one commit; the keys stay what they are', async () => {
    await before.rotate('refresh', { leadMs: 0, keepMs: 1_000 });
    let commits = 0;
    const counted = forwardingStore(store, {
      commit: (writes) => {
        commits += 1;
        return store.commit(writes);
      },
    });

    expect(await rewrap(counted)).toEqual({ rewrapped: 10, total: 10, master: fresh.id });

    expect(commits).toBe(1);
    expect(await mastersInStore()).toEqual({ [fresh.id]: 10 });
    const after = await ringWith({ current: fresh });
    expect(opened(after)).toEqual(opened(before));
    expect(after.find('refresh', '1')?.retiredAt).toBe(before.find('refresh', '1')?.retiredAt);
    await expect(ringWith({ current: old })).rejects.toThrow(`wants the master secret ${fresh.id}`);
  });

  it('done again changes nothing, with and without the previous secret', async () => {
    await rewrap();
    const stored = await store.scan(keyRecords, { limit: 100 });

    expect(await rewrap()).toEqual({ rewrapped: 0, total: 9, master: fresh.id });
    expect(await rewrap(store, { current: fresh })).toEqual({ rewrapped: 0, total: 9, master: fresh.id });
    expect(await store.scan(keyRecords, { limit: 100 })).toEqual(stored);
  });

  it('moves keys of the first release, which name no master', async () => {
    const bytes = randomKey();
    const set = [
      [['sealed'], seal(old.bytes, bytes, 'qr.1')],
      [['master'], undefined],
    ] as const;
    await store.commit([patch(keyRecords, 'qr.1', { set })]);

    expect((await ringWith({ current: old })).current('qr').master).toBe(old.id);
    expect(await rewrap()).toMatchObject({ rewrapped: 9 });
    expect((await ringWith({ current: fresh })).current('qr').bytes).toEqual(bytes);
  });

  it('leaves everything as it is where one key does not open, and names it', async () => {
    await store.commit([patch(keyRecords, 'signing.1', { set: [[['master'], 'mk_000000000000']] })]);
    const stored = await store.scan(keyRecords, { limit: 100 });

    await expect(rewrap()).rejects.toThrow(
      'the key signing.1 in the store wants the master secret mk_000000000000',
    );

    expect(await store.scan(keyRecords, { limit: 100 })).toEqual(stored);
  });

  it('that was killed half-way leaves keys that both secrets open, and goes on where it stopped', async () => {
    await addMany();
    before = await ringWith({ current: old });
    let commits = 0;
    const dying = forwardingStore(store, {
      commit: async (writes) => {
        commits += 1;
        if (commits > 1) throw new Error('killed');
        return store.commit(writes);
      },
    });
    await expect(rewrap(dying)).rejects.toThrow('killed');

    expect(await mastersInStore()).toEqual({ [fresh.id]: 500, [old.id]: 40 });
    expect(opened(await ringWith(both))).toEqual(opened(before));
    expect(opened(await ringWith({ current: old, previous: fresh }))).toEqual(opened(before));
    for (const alone of [fresh, old]) await expect(ringWith({ current: alone })).rejects.toThrow('wants');

    expect(await rewrap()).toEqual({ rewrapped: 40, total: 540, master: fresh.id });
    expect(opened(await ringWith({ current: fresh }))).toEqual(opened(before));
  });

  it('finds the keys that a process with the old secret makes meanwhile', async () => {
    const server = await ringWith({ current: old, previous: fresh });
    let commits = 0;
    const racing = forwardingStore(store, {
      commit: async (writes) => {
        commits += 1;
        if (commits === 1) await server.rotate('qr', now);
        const outcome = await store.commit(writes);
        if (commits === 2) await server.rotate('ticket', now);
        return outcome;
      },
    });

    expect(await rewrap(racing)).toEqual({ rewrapped: 11, total: 11, master: fresh.id });

    const after = await ringWith({ current: fresh });
    expect(after.find('qr', '2')?.bytes).toEqual(server.find('qr', '2')?.bytes);
    expect(after.find('ticket', '2')?.bytes).toEqual(server.find('ticket', '2')?.bytes);
  });

  it('by two at once wraps each key once', async () => {
    const both = await Promise.all([rewrap(), rewrap()]);

    expect(both.map(({ rewrapped }) => rewrapped).toSorted((a, b) => a - b)).toEqual([0, 9]);
    expect(await mastersInStore()).toEqual({ [fresh.id]: 9 });
  });

  it('disturbs no server that has both secrets', async () => {
    const server = await ringWith({ current: old, previous: fresh });
    const keys = opened(server);
    await rewrap();

    expect(await server.reload()).toBe(false);
    await server.rotate('form', now);
    expect(opened(server)).toEqual(new Map([...keys, ...opened(server)]));
    expect(await rewrap()).toMatchObject({ rewrapped: 1, total: 10 });
  });
});
