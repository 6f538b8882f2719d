// The place of a database while another file is put into it: who may be there, and what a killed process leaves.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openStore } from '../../../src/storage/open.ts';
import { recordType } from '../../../src/storage/record-type.ts';
import { holdPlace, takeIntoUse, unfinishedName } from '../../../src/storage/sqlite/replacing.ts';
import { insert } from '../../../src/storage/store.ts';

const notes = recordType<{ text: string }>('note');

let directory: string;
let database: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'strata-replacing-'));
  database = join(directory, 'strata.db');
});

afterEach(() => rm(directory, { recursive: true, force: true }));

function open(name = 'strata.db') {
  return openStore({ url: `sqlite:${name}`, dataDir: directory, types: [notes], busyTimeoutMs: 50 });
}

/** A database file with one note in it. */
async function make(name: string, text: string): Promise<string> {
  const store = await open(name);
  await store.commit([insert(notes, 'a', { text })]);
  await store.close();
  return join(directory, name);
}

async function noteIn(name = 'strata.db'): Promise<string | undefined> {
  const store = await open(name);
  try {
    return (await store.get(notes, 'a'))?.text;
  } finally {
    await store.close();
  }
}

function applicationId(path: string, id: number): void {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA application_id = ${id}`);
  db.close();
}

const inUse = { code: 'conflict', detail: expect.stringMatching(/is in use: stop every server and command/) };

describe('holdPlace', () => {
  it('is refused while a server has the database open, though it does nothing', async () => {
    await make('strata.db', 'old');
    const store = await open();
    await store.get(notes, 'a');

    expect(() => holdPlace(database)).toThrow(expect.objectContaining(inUse));

    expect(await store.get(notes, 'a')).toEqual({ text: 'old' });
    await store.close();
    holdPlace(database).release();
  });

  it('is refused while another restore holds it, and a server does not start meanwhile', async () => {
    await make('strata.db', 'old');
    const place = holdPlace(database);

    expect(() => holdPlace(database)).toThrow(expect.objectContaining(inUse));
    await expect(open()).rejects.toMatchObject({ detail: expect.stringContaining('database is locked') });

    place.release();
    expect(await noteIn()).toBe('old');
  });

  it('changes nothing by itself, not even where a crash has left a log', async () => {
    await make('strata.db', 'old');
    const crashed = new DatabaseSync(database);
    crashed.exec('PRAGMA wal_autocheckpoint = 0; UPDATE note SET body = \'{"text":"newer"}\'');
    const image = await mkdtemp(join(tmpdir(), 'strata-replacing-image-'));
    onTestFinished(() => rm(image, { recursive: true, force: true }));
    for (const name of ['strata.db', 'strata.db-wal']) await cp(join(directory, name), join(image, name));
    crashed.close();

    const place = holdPlace(join(image, 'strata.db'));
    place.copyTo(join(directory, 'copy.db'));
    place.release();

    expect(await noteIn('copy.db')).toBe('newer');
    expect((await stat(join(directory, 'copy.db'))).mode & 0o777).toBe(0o600);
  });

  it('is refused where the file is of another program', async () => {
    const db = new DatabaseSync(database);
    db.exec('CREATE TABLE t (a)');
    db.close();

    expect(() => holdPlace(database)).toThrow(
      expect.objectContaining({ detail: expect.stringContaining('belongs to another program') }),
    );
  });

  it('removes what a killed restore has left beside the database', async () => {
    await make('strata.db', 'old');
    for (const suffix of ['', '-wal', '-shm'])
      await writeFile(`${unfinishedName(database, 'abc')}${suffix}`, 'x');

    holdPlace(database).release();

    expect(await readdir(directory)).toEqual(['strata.db']);
  });
});

describe('replaceBy', () => {
  it('puts the file in the place, and keeps what was there under another name', async () => {
    await make('strata.db', 'old');
    const next = await make('next.db', 'new');

    const place = holdPlace(database);
    place.replaceBy(next, `${database}.replaced`);
    place.release();

    expect((await readdir(directory)).toSorted()).toEqual(['strata.db', 'strata.db.replaced']);
    expect(await noteIn()).toBe('new');
  });

  it('takes the log of the old one away before the new one comes', async () => {
    await make('strata.db', 'old');
    const holder = new DatabaseSync(database);
    holder.exec('PRAGMA wal_autocheckpoint = 0; UPDATE note SET body = \'{"text":"older log"}\'');
    for (const name of ['strata.db', 'strata.db-wal'])
      await cp(join(directory, name), join(directory, `c-${name}`));
    holder.close();
    database = join(directory, 'c-strata.db');

    const place = holdPlace(database);
    place.replaceBy(await make('next.db', 'new'), `${database}.replaced`);
    place.release();

    expect(await noteIn('c-strata.db')).toBe('new');
    applicationId(`${database}.replaced`, 0x53747261);
    expect(await noteIn('c-strata.db.replaced')).toBe('older log');
  });

  it('leaves the old one so that nobody serves it, and strata restore can bring it back', async () => {
    await make('strata.db', 'old');
    const place = holdPlace(database);
    place.replaceBy(await make('next.db', 'new'), `${database}.replaced`);
    place.release();

    const setAside = { detail: expect.stringContaining('was set aside by strata restore') };
    await expect(open('strata.db.replaced')).rejects.toMatchObject(setAside);

    takeIntoUse(`${database}.replaced`, 'it');
    expect(await noteIn('strata.db.replaced')).toBe('old');
  });

  it.each([
    ['the old one cannot be kept', 'next.db', 'none/kept.db'],
    ['there is no next one', 'none.db', 'kept.db'],
  ])('leaves everything as it was where %s', async (_case, next, keptAs) => {
    await make('strata.db', 'old');
    await make('next.db', 'new');
    const place = holdPlace(database);

    expect(() => place.replaceBy(join(directory, next), join(directory, keptAs))).toThrow();
    place.release();

    expect(await noteIn()).toBe('old');
    expect(await noteIn('next.db')).toBe('new');
    expect(await readdir(directory)).toEqual(['next.db', 'strata.db']);
  });

  it('goes where nothing was, but not where a database was made meanwhile', async () => {
    database = join(directory, 'data', 'strata.db');
    const next = await make('next.db', 'new');
    holdPlace(database).replaceBy(next, `${database}.replaced`);
    expect(await noteIn('data/strata.db')).toBe('new');

    const other = await make('other.db', 'other');
    const place = holdPlace(join(directory, 'second.db'));
    await make('second.db', 'meanwhile');
    expect(() => place.replaceBy(other, 'x')).toThrow(
      expect.objectContaining({ detail: expect.stringContaining('was made meanwhile') }),
    );
    expect(await noteIn('second.db')).toBe('meanwhile');
  });

  it('does not let a log that lies about without its database into the new one', async () => {
    await make('strata.db', 'old');
    const holder = new DatabaseSync(database);
    holder.exec('PRAGMA wal_autocheckpoint = 0; UPDATE note SET body = \'{"text":"stray log"}\'');
    await cp(`${database}-wal`, join(directory, 'stray-wal'));
    holder.close();
    await cp(join(directory, 'stray-wal'), join(directory, 'moved.db-wal'));
    const next = await make('next.db', 'new');

    const place = holdPlace(join(directory, 'moved.db'));
    place.replaceBy(next, join(directory, 'moved.db.replaced'));

    expect(await noteIn('moved.db')).toBe('new');
    expect(await readdir(directory)).toContain('moved.db.replaced-wal');
  });

  it('takes the place of a file that SQLite cannot read', async () => {
    await writeFile(database, 'no database at all '.repeat(500));
    const next = await make('next.db', 'new');

    const place = holdPlace(database);
    expect(place.kind).toBe('damaged');
    place.replaceBy(next, `${database}.replaced`);

    expect(await noteIn()).toBe('new');
    expect(await readFile(`${database}.replaced`, 'utf8')).toMatch(/^no database at all/);
  });

  it.skipIf(process.platform !== 'linux')(
    'does not leave a server that waited for its turn on the database that was set aside',
    async () => {
      await make('strata.db', 'old');
      const place = holdPlace(database);
      const child = fork(fileURLToPath(new URL('./opening-child.ts', import.meta.url)), [directory]);
      onTestFinished(() => void child.kill('SIGKILL'));
      const words = saidBy(child);
      await hasOpen(child, database);

      place.replaceBy(await make('next.db', 'new'), `${database}.replaced`);
      place.release();

      expect(await words).toEqual(['opening', expect.stringContaining('was set aside by strata restore')]);
    },
  );
});

async function saidBy(child: ChildProcess): Promise<unknown[]> {
  const words: unknown[] = [];
  child.on('message', (word) => words.push(word));
  await once(child, 'close');
  return words;
}

/** As Linux tells it. */
async function hasOpen({ pid }: ChildProcess, path: string): Promise<void> {
  const directory = `/proc/${pid}/fd`;
  for (;;) {
    const names = await readdir(directory);
    const targets = await Promise.all(names.map((name) => readlink(join(directory, name)).catch(() => '')));
    if (targets.includes(path)) return;
    await pause(10);
  }
}
