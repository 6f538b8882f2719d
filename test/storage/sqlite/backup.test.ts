// Backups of a database file: what is in one, what it may be called, and what is left where none comes of it.
import { chmod, link, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../../../src/storage/open.ts';
import { recordType } from '../../../src/storage/record-type.ts';
import { backUpDatabase, refuseNoBackup, renamedToFree } from '../../../src/storage/sqlite/backup.ts';
import { REPLACED_ID } from '../../../src/storage/sqlite/schema.ts';
import { insert, put, remove, type Store } from '../../../src/storage/store.ts';

const notes = recordType<{ n: number; text?: string }>('note');

let directory: string;
let database: string;
let file: string;
let store: Store;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'strata-backup-'));
  database = join(directory, 'strata.db');
  file = join(directory, 'backup.db');
  store = await open('strata.db');
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

function open(name: string): Promise<Store> {
  return openStore({ url: `sqlite:${name}`, dataDir: directory, types: [notes] });
}

function backUp(overwrite = false) {
  return backUpDatabase({ database, file, overwrite });
}

/** What the backup holds, when it is opened as a database. */
async function notesIn(name: string): Promise<[string, number][]> {
  const copy = await open(name);
  const { records } = await copy.scan(notes, { limit: 1000 });
  await copy.close();
  return records.map(({ id, body }) => [id, body.n]);
}

function pragma(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

describe('a backup', () => {
  it('is a whole database of this schema, and says how many records of each type are in it', async () => {
    await store.commit([insert(notes, 'a', { n: 1 }), insert(notes, 'b', { n: 2 })]);

    const { bytes, records } = backUp();

    expect(records.get('note')).toBe(2);
    expect(bytes).toBe((await stat(file)).size);
    expect(() => refuseNoBackup(file)).not.toThrow();
    expect(await notesIn('backup.db')).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });

  it('is of one moment, while others write and after all that was answered before', async () => {
    await store.commit([put(notes, 'a', { n: 0 }), put(notes, 'b', { n: 0 })]);
    const writes = Array.from({ length: 400 }, (_, n) =>
      store.commit([put(notes, 'a', { n }), put(notes, 'b', { n }), insert(notes, `${n}`, { n })]),
    );
    await writes[20];

    backUp();

    await Promise.all(writes);
    const found = new Map(await notesIn('backup.db'));
    const newest = found.get('a') ?? -1;
    expect(newest).toBeGreaterThanOrEqual(20);
    expect(found.get('b')).toBe(newest);
    expect([...found.keys()].filter((id) => /\d/.test(id)).length).toBe(newest + 1);
  });

  it('is for its owner alone, and leaves nothing beside it', async () => {
    const mask = process.umask(0);
    try {
      backUp();
    } finally {
      process.umask(mask);
    }
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readdir(directory)).filter((name) => !name.startsWith('strata.db'))).toEqual(['backup.db']);
  });

  it('leaves a database that nobody has open as it was, without a log beside it', async () => {
    await store.close();
    const before = await readFile(database);

    backUp();

    expect(await readFile(database)).toEqual(before);
    expect(await readdir(directory)).toEqual(['backup.db', 'strata.db']);
  });

  it('has nothing in it of what was deleted', async () => {
    const text = 'a text that somebody wanted to be gone '.repeat(3);
    await store.commit([insert(notes, 'a', { n: 1, text })]);
    await store.commit([remove(notes, 'a')]);
    await store.close();
    expect((await readFile(database)).includes(text)).toBe(true);

    backUp();

    expect((await readFile(file)).includes(text)).toBe(false);
  });
});

describe('the name of a backup', () => {
  it('is refused where a file has it, which stays as it is unless it may be replaced', async () => {
    await writeFile(file, 'something else');

    expect(() => backUp()).toThrow(refusal(`there is a file ${file} already; --force replaces it`));
    expect(await readFile(file, 'utf8')).toBe('something else');

    backUp(true);
    expect(await notesIn('backup.db')).toEqual([]);
  });

  it('is given to one of two that want it at once', async () => {
    const [one, other] = [join(directory, 'one'), join(directory, 'other')];
    await Promise.all([writeFile(one, 'one'), writeFile(other, 'other')]);

    expect(renamedToFree(one, file)).toBe(true);
    expect(renamedToFree(other, file)).toBe(false);

    expect(await readFile(file, 'utf8')).toBe('one');
    expect(await readdir(directory)).not.toContain('one');
  });

  it.each([
    ['the database', async () => database],
    ['its log', async () => `${database}-wal`],
    ['a symbolic link to it', async () => linked((name) => symlink(database, name))],
    ['another name of it', async () => linked((name) => link(database, name))],
  ])('is not %s, whatever may be replaced', async (_case, name) => {
    await store.commit([insert(notes, 'a', { n: 1 })]);
    file = await name();

    expect(() => backUp(true)).toThrow(refusal(`${file} is the database itself: name another file`));
    expect(await store.get(notes, 'a')).toEqual({ n: 1 });
  });

  it('is in a directory that is there, and none itself', () => {
    file = directory;
    expect(() => backUp(true)).toThrow(refusal(`${file} is a directory: name a file in it`));
    file = join(directory, 'none', 'backup.db');
    expect(() => backUp()).toThrow(refusal(`there is no directory ${join(directory, 'none')}`));
  });

  async function linked(make: (name: string) => Promise<void>): Promise<string> {
    const name = join(directory, 'other-name');
    await make(name);
    return name;
  }
});

describe('a database that is not backed up', () => {
  it.each([
    ['of another program', 'PRAGMA application_id = 7', 'belongs to another program'],
    ['of a newer release', 'PRAGMA user_version = 99', /was written by a newer release \(schema 99/],
    ['that was set aside', `PRAGMA application_id = ${REPLACED_ID}`, /was set aside by strata restore/],
    ['that is damaged', undefined, /cannot be copied: database disk image is malformed/],
  ])('is one %s; a backup that is there stays, and no other is begun', async (_case, sql, words) => {
    await store.commit(
      Array.from({ length: 400 }, (_, n) => insert(notes, `${n}`, { n, text: 'x'.repeat(99) })),
    );
    backUp();
    const before = await readFile(file);
    await store.close();
    if (sql === undefined) await damage(database);
    else pragma(database, sql);

    expect(() => backUp(true)).toThrow(refusal(words));

    expect(await readFile(file)).toEqual(before);
    expect(await readdir(directory)).toEqual(['backup.db', 'strata.db']);
  });
});

describe('a file that is no backup', () => {
  it.each([
    ['no database', async () => writeFile(file, 'no database at all '.repeat(100)), 'is no database'],
    ['empty', async () => writeFile(file, ''), 'is no database'],
    [
      'of another program',
      async () => pragma(file, 'PRAGMA application_id = 7'),
      'belongs to another program',
    ],
    [
      'of a newer release',
      async () => pragma(file, 'PRAGMA user_version = 99'),
      /written by a newer release/,
    ],
    ['in use', async () => writeFile(`${file}-wal`, ''), /has a log beside it/],
  ])('is refused: %s', async (_case, change, words) => {
    backUp();
    await change();

    expect(() => refuseNoBackup(file)).toThrow(refusal(words));
  });

  it('is not a database that was set aside: it may be brought back', async () => {
    backUp();
    pragma(file, `PRAGMA application_id = ${REPLACED_ID}`);
    await chmod(file, 0o400);

    expect(() => refuseNoBackup(file)).not.toThrow();
  });
});

/** Pages in the middle: the header and the schema are sound. */
async function damage(path: string): Promise<void> {
  const bytes = await readFile(path);
  await writeFile(path, bytes.fill(0x5a, 3 * 4096, 10 * 4096));
}

/** The words are the error's detail, for the operator. */
function refusal(words: string | RegExp) {
  return expect.objectContaining({
    detail: typeof words === 'string' ? expect.stringContaining(words) : expect.stringMatching(words),
  });
}
