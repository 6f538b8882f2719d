import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openStore } from '../../../src/storage/open.ts';
import { type RecordType, recordType } from '../../../src/storage/record-type.ts';
import { insert, type Store } from '../../../src/storage/store.ts';
import { testClock } from '../../support/test-clock.ts';

interface Person {
  login?: string;
  email?: string;
  team?: string;
  since?: number;
  until?: number;
}

const plain = recordType<Person>('person');
const declared = recordType<Person>('person', {
  unique: ['login'],
  indexes: { team: { field: 'team', orderBy: 'since' } },
  expiresAt: 'until',
});

let dataDir: string;
const file = () => join(dataDir, 'strata.db');

beforeEach(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'strata-'));
  dataDir = directory;
  return () => rm(directory, { recursive: true });
});

async function opened(...types: RecordType<Person>[]): Promise<Store> {
  const store = await openStore({ url: 'sqlite:strata.db', dataDir, clock: testClock(5000), types });
  onTestFinished(() => store.close());
  return store;
}

/** Opens the store for these types, writes the people, and closes it. */
async function written(type: RecordType<Person>, people: Record<string, Person>): Promise<void> {
  const store = await opened(type);
  for (const [id, person] of Object.entries(people)) await store.commit([insert(type, id, person)]);
  await store.close();
}

function query(sql: string): unknown[] {
  const db = new DatabaseSync(file());
  try {
    return db
      .prepare(sql)
      .all()
      .map((row) => Object.values(row)[0]);
  } finally {
    db.close();
  }
}

describe('opening a file of an earlier release', () => {
  const people = {
    a: { login: 'ann', team: 'red', since: 2 },
    b: { login: 'bob', team: 'red', since: 1, until: 6000 },
    c: { email: 'c@example.org', team: 'red', until: 4000 },
  };

  it('adds the columns and indexes that were declared since, and fills them', async () => {
    await written(plain, people);

    const store = await opened(declared);

    expect(await store.find(declared, 'login', 'bob')).toEqual(people.b);
    const { records } = await store.list(declared, 'team', 'red', { limit: 10 });
    expect(records).toEqual([people.b, people.a]);
    expect(await store.get(declared, 'c')).toBeUndefined();
    expect(await store.commit([insert(declared, 'x', { login: 'ann' })])).toMatchObject({ committed: false });
  });

  it('adds the tables of types that are new', async () => {
    await written(plain, people);
    const pets = recordType<Person>('pet', { unique: ['login'] });

    const store = await opened(plain, pets);

    await store.commit([insert(pets, 'p', { login: 'rex' })]);
    expect(await store.find(pets, 'login', 'rex')).toEqual({ login: 'rex' });
    expect(await store.get(plain, 'a')).toEqual(people.a);
  });

  it('leaves the tables of types that it is not told of', async () => {
    await written(declared, people);
    await written(recordType<Person>('pet'), {});

    const store = await opened(declared);

    expect(await store.find(declared, 'login', 'ann')).toEqual(people.a);
  });

  it('changes nothing where nothing has changed', async () => {
    await written(declared, people);
    const before = query('PRAGMA schema_version');

    await written(declared, {});

    expect(query('PRAGMA schema_version')).toEqual(before);
  });

  it('follows an index that is declared otherwise', async () => {
    await written(declared, people);
    const byLogin = recordType<Person>('person', {
      unique: ['email'],
      indexes: { team: { field: 'login', orderBy: 'until' } },
    });

    const store = await opened(byLogin);

    expect((await store.list(byLogin, 'team', 'ann', { limit: 10 })).records).toEqual([people.a]);
    expect(await store.get(byLogin, 'c')).toEqual(people.c);
    expect(await store.commit([insert(byLogin, 'x', { login: 'ann' })])).toEqual({ committed: true });
  });

  it('finds what a release wrote that did not know of the index', async () => {
    await written(declared, people);
    await written(plain, { d: { login: 'dan', team: 'red', since: 0, until: 7000 } });

    const store = await opened(declared);

    expect(await store.find(declared, 'login', 'dan')).toMatchObject({ team: 'red' });
    expect((await store.list(declared, 'team', 'red', { limit: 1 })).records).toMatchObject([
      { login: 'dan' },
    ]);
  });

  it('goes through more records than fit in one step', async () => {
    const store = await opened(plain);
    for (let step = 0; step < 3; step += 1) {
      await store.commit(
        Array.from({ length: 400 }, (_, n) => insert(plain, `${step}-${n}`, { login: `${step}-${n}` })),
      );
    }
    await store.close();

    const again = await opened(declared);

    expect(await again.find(declared, 'login', '0-0')).toBeDefined();
    expect(await again.find(declared, 'login', '2-399')).toBeDefined();
  });

  it('is refused where records cannot be made unique, and the file stays as it was', async () => {
    await written(plain, { a: { login: 'same' }, b: { login: 'same' } });

    await expect(opened(declared)).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: `the database file ${file()} cannot be used by this release: two records of person have the same login, which must be unique`,
    });

    const store = await opened(plain);
    expect((await store.scan(plain, { limit: 10 })).records).toHaveLength(2);
  });

  it('lets an expired record keep no unique value from another', async () => {
    await written(plain, { a: { login: 'same', until: 4000 }, b: { login: 'same' } });

    const store = await opened(declared);

    expect(await store.find(declared, 'login', 'same')).toEqual({ login: 'same' });
  });
});

describe('a file that is not ours', () => {
  async function refusal(): Promise<unknown> {
    const error: unknown = await opened(plain).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'DomainError', code: 'store_unavailable' });
    return (error as Error).message;
  }

  it('is refused and left alone where it is no database', async () => {
    await writeFile(file(), 'Dear diary, '.repeat(100));

    expect(await refusal()).toBe(`the database file ${file()} cannot be opened: file is not a database`);
    expect((await stat(file())).size).toBe(1200);
  });

  it.each([
    ['without a name', 'CREATE TABLE theirs (a)'],
    ['with a name of its own', 'PRAGMA application_id = 7; CREATE TABLE theirs (a)'],
    ['with a version of its own', 'PRAGMA user_version = 3'],
  ])('is refused and left alone where it is a database %s', async (_, sql) => {
    const db = new DatabaseSync(file());
    db.exec(sql);
    db.close();

    expect(await refusal()).toBe(`the database file ${file()} belongs to another program`);
    expect(query('PRAGMA journal_mode')).toEqual(['delete']);
  });

  it('is refused where a newer release wrote it', async () => {
    await written(plain, {});
    query('PRAGMA user_version = 3');

    expect(await refusal()).toBe(
      `the database file ${file()} was written by a newer release (schema 3, this one knows 2)`,
    );
  });
});

describe('the file', () => {
  it('and what lies beside it are readable by their owner alone, whatever the umask', async () => {
    const umask = process.umask(0);
    onTestFinished(() => {
      process.umask(umask);
    });

    dataDir = join(dataDir, 'made', 'on the way');
    const store = await opened(plain);
    await store.commit([insert(plain, 'a', {})]);

    const names = await readdir(dataDir);
    const modes = await Promise.all(
      names.map(async (name) => (await stat(join(dataDir, name))).mode & 0o777),
    );
    expect(names.sort()).toEqual(['strata.db', 'strata.db-shm', 'strata.db-wal']);
    expect(modes).toEqual([0o600, 0o600, 0o600]);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  });

  it('is alone again when the store is closed', async () => {
    await written(plain, { a: {} });

    expect(await readdir(dataDir)).toEqual(['strata.db']);
    expect(query('PRAGMA integrity_check')).toEqual(['ok']);
  });

  it.skipIf(process.getuid?.() === 0)(
    'is refused with a sentence in a directory that is not writable',
    async () => {
      await chmod(dataDir, 0o500);

      await expect(opened(plain)).rejects.toMatchObject({
        detail: expect.stringContaining('cannot be opened'),
      });
    },
  );

  it('is refused with a sentence where its directory is a file, or it is a directory', async () => {
    await mkdir(file());
    const refused = (name: string) => ({
      code: 'store_unavailable',
      detail: expect.stringContaining(`the database file ${name} cannot be opened for writing`),
    });

    await expect(opened(plain)).rejects.toMatchObject(refused(file()));

    await rm(file(), { recursive: true });
    await writeFile(file(), '');
    dataDir = file();
    await expect(opened(plain)).rejects.toMatchObject(refused(file()));
  });
});

describe('the shape of a record type', () => {
  it.each([
    ['a name with other characters', recordType('Person; DROP'), 'no name for a record type'],
    ['a name of SQLite’s own', recordType('sqlite_schema'), 'no name for a record type'],
    ['a field with other characters', { ...plain, unique: ['a"b'] }, 'no name for a field'],
    ['an index with other characters', { ...plain, indexes: { 'a"b': { field: 'login' } } }, 'no name for'],
    ['fields that differ by case alone', { ...plain, unique: ['login', 'Login'] }, 'upper and lower case'],
  ])('is refused with %s', async (_, type, words) => {
    await expect(opened(type as RecordType<Person>)).rejects.toThrow(words);
  });

  it('is refused twice under one name', async () => {
    await expect(opened(plain, declared)).rejects.toThrow('the same name');
  });
});
