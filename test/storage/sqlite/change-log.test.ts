import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openStore } from '../../../src/storage/open.ts';
import { SqliteChangeLog } from '../../../src/storage/sqlite/change-log.ts';
import { check, insert, patch, put, remove, type Store } from '../../../src/storage/store.ts';
import { contractTypes, notes, things } from '../contract-types.ts';

interface Place {
  store: Store;
  log: SqliteChangeLog;
  /** Another connection, as another program has it. */
  db: DatabaseSync;
}

async function place(): Promise<Place> {
  const dataDir = await mkdtemp(join(tmpdir(), 'strata-log-'));
  const store = await openStore({ url: 'sqlite:x.db', dataDir, types: contractTypes });
  // Statements are prepared before there is any trigger.
  await store.commit([insert(notes, 'a', {}), insert(things, 'a', { login: 'a' })]);
  await store.commit([patch(notes, 'a', { set: [[['n'], 1]] }), remove(things, 'nobody')]);
  const settings = { path: join(dataDir, 'x.db'), busyTimeoutMs: 5_000 };
  const log = new SqliteChangeLog(settings, contractTypes);
  const db = new DatabaseSync(settings.path);
  onTestFinished(async () => {
    db.close();
    await log.close();
    await store.close();
    await rm(dataDir, { recursive: true });
  });
  return { store, log, db };
}

async function namesAfter(log: SqliteChangeLog, position: string): Promise<string[]> {
  const read = await log.read(position, 1000);
  return read.kind === 'lost' ? ['lost'] : read.names.map(({ type, id }) => `${type}/${id}`);
}

describe('the change log of a SQLite file', () => {
  it('names what was inserted, changed and removed since it was started, and nothing else', async () => {
    const { store, log } = await place();
    const position = await log.start();

    await store.commit([insert(notes, '\ud800', {}), insert(things, 'b', { login: 'b' })]);
    await store.commit([patch(notes, 'a', { set: [[['n'], 2]] }), check(things, 'a')]);
    await store.commit([remove(things, 'a')]);
    await store.commit([insert(things, 'c', {}), insert(notes, 'a', {})]);

    expect(await namesAfter(log, position)).toEqual(['order/\ud800', 'thing/b', 'order/a', 'thing/a']);
  });

  it('goes on where it was read up to, and says whether there is more', async () => {
    const { store, log } = await place();
    const position = await log.start();
    for (let n = 0; n < 5; n += 1) await store.commit([put(notes, `n${n}`, {})]);

    const first = await log.read(position, 3);
    expect(first).toMatchObject({ kind: 'changes', more: true });
    const second = await log.read(first.kind === 'changes' ? first.position : '', 3);
    expect(second).toMatchObject({ kind: 'changes', more: false });
    const names = [first, second].flatMap((read) => (read.kind === 'changes' ? read.names : []));
    expect(names.map(({ id }) => id)).toEqual(['n0', 'n1', 'n2', 'n3', 'n4']);
    expect(await log.start()).toBe(second.kind === 'changes' ? second.position : '');
  });

  it('says so when it does not reach back to where it is asked from', async () => {
    const { store, log, db } = await place();
    const position = await log.start();
    for (let n = 0; n < 3; n += 1) await store.commit([put(notes, `n${n}`, {})]);

    db.exec('DELETE FROM "strata:changes" WHERE seq = 1');
    expect(await log.read(position, 10)).toEqual({ kind: 'lost' });
    db.exec('DELETE FROM "strata:changes"');
    expect(await log.read(position, 10)).toEqual({ kind: 'lost' });
    await log.stop();
    expect(await log.read(position, 10)).toEqual({ kind: 'lost' });
  });

  it('does not grow without end when nobody reads it', async () => {
    const { store, log, db } = await place();
    await log.start();
    db.exec(
      `INSERT INTO "strata:changes" VALUES (10001000, 'order', 'old'), (10001001, 'order', 'young'), (20000998, 'order', 'new')`,
    );

    await store.commit([put(notes, 'n1', {}), put(notes, 'n2', {})]);

    const kept = db.prepare('SELECT id FROM "strata:changes" ORDER BY seq').all();
    expect(kept.map(({ id }) => id)).toEqual(['young', 'new', 'n1', 'n2']);
  });

  it('leaves no trace when it is stopped', async () => {
    const { store, log, db } = await place();
    const schema = () =>
      db.prepare('SELECT name, sql FROM sqlite_schema WHERE name <> ? ORDER BY name').all('sqlite_sequence');
    const before = schema();
    await log.start();
    await log.freeze(60_000);
    expect(schema().length).toBeGreaterThan(before.length);

    await log.stop();

    expect(schema()).toEqual(before);
    expect(await store.commit([put(notes, 'n', {})])).toEqual({ committed: true });
  });
});

describe('a frozen SQLite file', () => {
  it('refuses writes of every kind as overloaded, and answers reads', async () => {
    const { store, log } = await place();
    await log.freeze(60_000);

    const refusal = {
      code: 'overloaded',
      status: 503,
      retryAfterSeconds: 5,
      detail: 'the store is being moved',
    };
    await expect(store.commit([insert(notes, 'new', {})])).rejects.toMatchObject(refusal);
    await expect(store.commit([put(notes, 'a', {})])).rejects.toMatchObject(refusal);
    await expect(store.commit([patch(notes, 'a', { set: [[['n'], 5]] })])).rejects.toMatchObject(refusal);
    await expect(store.commit([remove(things, 'a')])).rejects.toMatchObject(refusal);
    await expect(store.commit([check(notes, 'a'), remove(things, 'a')])).rejects.toMatchObject(refusal);
    expect(await store.get(notes, 'a')).toEqual({ n: 1 });
    expect(await store.get(things, 'a')).toEqual({ login: 'a' });
  });

  it('does not sweep, and does not complain of it', async () => {
    const { store, log } = await place();
    await store.commit([put(things, 'over', { until: 1 })]);
    await log.freeze(60_000);
    expect(await store.sweep(100)).toBe(0);
    await log.thaw();
    expect(await store.sweep(100)).toBe(1);
  });

  it('takes writes again when it is thawed', async () => {
    const { store, log } = await place();
    await log.freeze(60_000);
    await log.thaw();
    expect(await store.commit([put(notes, 'n', {})])).toEqual({ committed: true });
  });

  it('takes writes again by itself when the time is over', async () => {
    const { store, log } = await place();
    await log.freeze(50);
    await vi.waitFor(() => store.commit([put(notes, 'n', {})]), { timeout: 5_000, interval: 10 });
    expect(await store.get(notes, 'n')).toEqual({});
  });
});

describe('sealing a SQLite file', () => {
  it('is refused where a commit came after the position, also when the freeze ran out unnoticed', async () => {
    const { store, log } = await place();
    const position = await log.start();
    await log.freeze(0);
    await store.commit([put(notes, 'slipped in', {})]);

    expect(await log.seal(position)).toBe(false);

    expect(await store.commit([put(notes, 'n', {})])).toEqual({ committed: true });
  });

  it('is for good: no thaw ends it', async () => {
    const { store, log } = await place();
    const position = await log.start();
    await log.freeze(0);
    expect(await log.seal(position)).toBe(true);
    await log.thaw();
    await log.freeze(0);

    await expect(store.commit([put(notes, 'n', {})])).rejects.toMatchObject({ code: 'overloaded' });
    expect(await log.seal(position)).toBe(true);
  });

  it('needs a freeze before it', async () => {
    const { log } = await place();
    expect(await log.seal(await log.start())).toBe(false);
  });
});
