import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { randomToken } from '../../../src/core/secrets.ts';
import { openStore } from '../../../src/storage/open.ts';
import {
  Checkpoints,
  LOG_BYTES_KEPT,
  mustRestart,
  pagesBeforeCheckpoint,
} from '../../../src/storage/sqlite/checkpoints.ts';
import { openWritable } from '../../../src/storage/sqlite/database.ts';
import { put, type Store } from '../../../src/storage/store.ts';
import { testClock } from '../../support/test-clock.ts';
import { contractTypes, notes } from '../contract-types.ts';

const MIB = 2 ** 20;

let dataDir: string;
const file = () => join(dataDir, 'strata.db');
const logBytes = () => statSync(`${file()}-wal`, { throwIfNoEntry: false })?.size ?? 0;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'strata-'));
  return () => rm(dataDir, { recursive: true });
});

async function opened(): Promise<Store> {
  const address = { url: 'sqlite:strata.db', dataDir };
  const store = await openStore({ ...address, clock: testClock(), types: contractTypes });
  onTestFinished(() => store.close());
  return store;
}

/** Commits a megabyte so many times and returns the greatest length of the log in between. */
async function written(store: Store, times: number): Promise<number> {
  let most = 0;
  for (let n = 0; n < times; n += 1) {
    // Another text each time: SQLite writes no page that stays as it is.
    await store.commit([put(notes, `big-${n % 4}`, { text: randomToken(8).repeat(MIB / 11) })]);
    most = Math.max(most, logBytes());
  }
  return most;
}

function pragma(db: DatabaseSync, name: string): unknown {
  return Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

describe('pagesBeforeCheckpoint', () => {
  it.each([
    [0, 1000],
    [500, 1000],
    [501, 4000],
    [10_000, 4000],
  ])('with %i jobs waiting is %i', (waiting, pages) => {
    expect(pagesBeforeCheckpoint(waiting)).toBe(pages);
  });
});

describe('mustRestart', () => {
  it.each([
    ['of a length that is left alone', { bytes: 49_152_000 }, false],
    ['that is too long', { bytes: 49_152_001 }, true],
    ['that was tried a moment ago', { bytes: 49_152_001, triedAt: 8_001 }, false],
    ['that was tried long enough ago', { bytes: 49_152_001, triedAt: 8_000 }, true],
  ])('of a log %s', (_, log, expected) => {
    expect(mustRestart({ now: 10_000, triedAt: Number.NEGATIVE_INFINITY, ...log })).toBe(expected);
  });
});

describe('Checkpoints', () => {
  function connected() {
    const db = openWritable({ path: file(), busyTimeoutMs: 1234 });
    onTestFinished(() => db.close());
    db.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (b)');
    return { db, checkpoints: new Checkpoints(db, { path: file(), busyTimeoutMs: 1234 }) };
  }

  const write = (db: DatabaseSync, mib: number) => {
    for (let n = 0; n < mib; n += 1) db.prepare('INSERT INTO t VALUES (zeroblob(?))').run(MIB);
  };

  it('are further apart while many wait', () => {
    const { db, checkpoints } = connected();
    const pages = () => pragma(db, 'wal_autocheckpoint');
    expect(pages()).toBe(1000);

    checkpoints.before(501);
    expect(pages()).toBe(4000);
    checkpoints.before(500);
    expect(pages()).toBe(1000);
  });

  it('make a log begin anew that does not come to it by itself', () => {
    const { db, checkpoints } = connected();
    db.exec('PRAGMA wal_autocheckpoint = 0');
    write(db, 40);
    checkpoints.after(0);
    write(db, 1);
    expect(logBytes()).toBeGreaterThan(40 * MIB);

    write(db, 10);
    checkpoints.after(0);
    write(db, 1);

    expect(logBytes()).toBeLessThanOrEqual(LOG_BYTES_KEPT);
  });

  it('wait for a reader for a moment only, and leave the time-out of transactions alone', () => {
    const { db, checkpoints } = connected();
    write(db, 1);
    const reader = new DatabaseSync(file(), { readOnly: true });
    onTestFinished(() => reader.close());
    reader.exec('BEGIN; SELECT count(*) FROM t');
    write(db, 60);
    const before = logBytes();

    checkpoints.after(0);
    checkpoints.idle();

    expect(logBytes()).toBe(before);
    expect(pragma(db, 'busy_timeout')).toBe(1234);
  });
});

describe('the log beside the file', () => {
  it('stays short under a steady load', async () => {
    const store = await opened();

    expect(await written(store, 60)).toBeLessThan(LOG_BYTES_KEPT);
  });

  it('is longer while many wait, so that each waits for the disk less often', async () => {
    const store = await opened();
    const text = randomToken(8).repeat(2_000);

    let most = 0;

    // Four transactions of 256 commits with five pages or more each.
    const commits = Array.from({ length: 1_000 }, async (_, n) => {
      await store.commit([put(notes, `n${n}`, { text: `${n}${text}` })]);
      most = Math.max(most, logBytes());
    });
    await Promise.all(commits);

    expect(most).toBeGreaterThan(2_500 * 4_096);
  });

  it('is short again after a reader that took its time', async () => {
    const store = await opened();
    await written(store, 1);
    const reader = new DatabaseSync(file(), { readOnly: true });
    onTestFinished(() => reader.close());

    reader.exec('BEGIN; SELECT count(*) FROM "order"');
    expect(await written(store, 40)).toBeGreaterThan(2 * LOG_BYTES_KEPT);
    reader.exec('COMMIT');
    await written(store, 10);

    expect(logBytes()).toBeLessThanOrEqual(LOG_BYTES_KEPT);
  });

  it('is empty after a pause, although the sweeper comes all the time', async () => {
    const store = await opened();
    await written(store, 1);
    expect(logBytes()).toBeGreaterThan(0);

    await vi.waitFor(
      async () => {
        await store.sweep(1);
        expect(logBytes()).toBe(0);
      },
      { timeout: 10_000, interval: 100 },
    );
  });
});
