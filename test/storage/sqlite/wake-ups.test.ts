import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { type OpenStoreOptions, openStore } from '../../../src/storage/open.ts';
import { insert, type Store } from '../../../src/storage/store.ts';
import { testClock } from '../../support/test-clock.ts';
import { contractTypes, things } from '../contract-types.ts';

const TABLE = '"strata:wake_ups"';

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'strata-'));
  return () => rm(dataDir, { recursive: true });
});

async function opened(options: Partial<OpenStoreOptions> = {}): Promise<Store> {
  const url = 'sqlite:strata.db';
  const store = await openStore({ url, dataDir, clock: testClock(), types: contractTypes, ...options });
  onTestFinished(() => store.close());
  return store;
}

/** A connection of somebody else to the same file. */
function raw(): DatabaseSync {
  const db = new DatabaseSync(join(dataDir, 'strata.db'), { timeout: 5000 });
  onTestFinished(() => db.close());
  return db;
}

/** What a store is told about a topic from now on. */
function heardBy(store: Store, topic: string): (string | undefined)[] {
  const told: (string | undefined)[] = [];
  store.subscribe(topic, (key) => told.push(key));
  return told;
}

/** Whatever the store said before is in the file. */
async function written(store: Store): Promise<void> {
  await store.commit([insert(things, `after ${Math.random()}`, {})]);
}

describe('two stores on one file', () => {
  it('hear each other, in order, and themselves once', async () => {
    const one = await opened();
    const other = await opened();
    const heardByOne = heardBy(one, 'qr');
    const heardByOther = heardBy(other, 'qr');

    one.notify('qr', 'a');
    one.notify('qr', 'b');
    await vi.waitFor(() => expect(heardByOther).toEqual(['a', 'b']));
    other.notify('qr', 'c');

    await vi.waitFor(() => expect(heardByOne).toEqual(['a', 'b', 'c']));
    expect(heardByOther).toEqual(['a', 'b', 'c']);
  });

  it('hear what was said since they subscribed, on their topics', async () => {
    const one = await opened();
    const other = await opened();
    one.notify('qr', 'before');
    await written(one);
    const qr = heardBy(other, 'qr');
    const clients = heardBy(other, 'clients');

    one.notify('nobody', 'x');
    one.notify('qr', 'since');

    await vi.waitFor(() => expect(qr).toEqual(['since']));
    expect(clients).toEqual([]);
  });

  it('hear nothing of the time in which they did not listen', async () => {
    const one = await opened();
    const other = await opened();
    other.subscribe('qr', () => undefined)();
    one.notify('qr', 'between');
    await written(one);
    const heard = heardBy(other, 'qr');

    one.notify('qr', 'now');

    await vi.waitFor(() => expect(heard).toEqual(['now']));
  });

  it('are told that wake-ups may be lost where rows went before they were read', async () => {
    const one = await opened();
    const other = await opened();
    const qr = heardBy(other, 'qr');
    const clients = heardBy(other, 'clients');

    const db = raw();
    const row = `INSERT INTO ${TABLE} (origin, topic, key, at) VALUES ('o', 'qr', 'k', 0)`;
    db.exec(`BEGIN IMMEDIATE; ${row}; ${row}; ${row}; DELETE FROM ${TABLE} WHERE n < 3; COMMIT`);
    await vi.waitFor(() => expect(qr).toEqual([undefined]));
    expect(clients).toEqual([undefined]);
    one.notify('qr', 'and on');

    await vi.waitFor(() => expect(qr).toEqual([undefined, 'and on']));
  });

  it('spell every topic and key', async () => {
    const one = await opened();
    const other = await opened();
    const keys = ['', 'nul\0inside', '\ud800', '\u{FFFE}"', 'ümläut 👩‍👩‍👧'];
    const heard = heardBy(other, '\udc00');

    for (const key of keys) one.notify('\udc00', key);

    await vi.waitFor(() => expect(heard).toEqual(keys));
  });

  it('read on from more rows than fit in one look', async () => {
    const one = await opened();
    const other = await opened();
    const heard = heardBy(other, 'qr');

    for (let n = 0; n < 2500; n += 1) one.notify('qr', String(n));

    await vi.waitFor(() => expect(heard).toHaveLength(2500), { timeout: 10_000 });
    expect(heard.at(-1)).toBe('2499');
  });
});

describe('the table of wake-ups', () => {
  const count = (db: DatabaseSync) => Number(db.prepare(`SELECT count(*) AS n FROM ${TABLE}`).get()?.n);

  it('loses rows of five minutes ago as new ones come', async () => {
    const clock = testClock();
    const store = await opened({ clock });
    const db = raw();
    for (let n = 0; n < 100; n += 1) store.notify('qr', 'old');
    await written(store);
    clock.advance(5 * 60_000 - 1);
    for (let n = 0; n < 32; n += 1) store.notify('qr', 'newer');
    await written(store);
    expect(count(db)).toBe(132);

    clock.advance(1);
    for (let n = 0; n < 32; n += 1) store.notify('qr', 'newest');
    await written(store);

    expect(count(db)).toBe(64);
  });

  it('holds 10,000 rows at most, whatever their time', async () => {
    const store = await opened();
    const db = raw();
    db.exec(`WITH RECURSIVE row(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM row WHERE n < 10000)
             INSERT INTO ${TABLE} (origin, topic, key, at) SELECT 'o', 'qr', 'k', 1e15 FROM row`);

    for (let n = 0; n < 160; n += 1) store.notify('qr', 'one more');
    await written(store);

    expect(count(db)).toBe(10_000);
  });

  it('has no row of what was said on a full queue, and commits go on', async () => {
    const store = await opened({ waitingMax: 2 });
    for (let n = 0; n < 5; n += 1) store.notify('qr', String(n));
    await vi.waitFor(() => written(store));

    expect(count(raw())).toBe(2);
  });

  it('is there in a store in memory, which has nobody to tell, and stays empty', async () => {
    const store = await opened({ url: 'sqlite::memory:' });
    const heard = heardBy(store, 'qr');

    store.notify('qr', 'a');

    await vi.waitFor(() => expect(heard).toEqual(['a']));
  });
});

describe('looking for wake-ups of others', () => {
  it('happens while somebody is subscribed and the store is open, once for all', async () => {
    const store = await opened({ clock: systemClock() });
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    expect(vi.getTimerCount()).toBe(0);

    const ends = ['qr', 'qr', 'clients'].map((topic) => store.subscribe(topic, () => undefined));
    expect(vi.getTimerCount()).toBe(1);
    for (const end of ends.slice(1)) end();
    expect(vi.getTimerCount()).toBe(1);
    ends[0]?.();
    expect(vi.getTimerCount()).toBe(0);

    store.subscribe('qr', () => undefined);
    expect(vi.getTimerCount()).toBe(1);
    await store.close();
    expect(vi.getTimerCount()).toBe(0);
    store.subscribe('qr', () => undefined);
    expect(vi.getTimerCount()).toBe(0);
  });
});
