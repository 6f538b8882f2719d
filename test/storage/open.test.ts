import { execFileSync } from 'node:child_process';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { migrateStore, openStore } from '../../src/storage/open.ts';
import { testClock } from '../support/test-clock.ts';
import { contractTypes } from './contract-types.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'strata-'));
  return () => rm(directory, { recursive: true });
});

function open(url: string, dataDir = directory) {
  return openStore({ url, dataDir, clock: testClock(), types: contractTypes });
}

describe('openStore', () => {
  it('puts a file that is named alone into the data directory', async () => {
    await (await open('sqlite:named.db')).close();

    await expect(access(join(directory, 'named.db'))).resolves.toBeUndefined();
  });

  it('takes an absolute path as it is', async () => {
    await (await open(`sqlite:${join(directory, 'absolute.db')}`, '/nowhere')).close();

    await expect(access(join(directory, 'absolute.db'))).resolves.toBeUndefined();
  });

  it.each(['mongodb://127.0.0.1', 'mongodb+srv://cluster.example/'])(
    'hands %s to the MongoDB driver, which refuses it',
    async (url) => {
      await expect(open(url)).rejects.toMatchObject({
        code: 'store_unavailable',
        detail: 'the MongoDB URL names no database: mongodb://SERVER/strata',
      });
    },
  );

  it('loads the MongoDB driver for MongoDB alone', () => {
    const code = `
      const { openStore } = await import(${JSON.stringify(new URL('../../src/storage/open.ts', import.meta.url))});
      const { createRequire } = await import('node:module');
      await (await openStore({ url: 'sqlite::memory:', dataDir: '', types: [] })).close();
      const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('/mongodb/'));
      const before = loaded();
      await openStore({ url: 'mongodb://127.0.0.1', dataDir: '', types: [] }).catch(() => undefined);
      console.log(before, loaded());`;
    const argv = ['--input-type=module', '--eval', code];

    expect(execFileSync(process.execPath, argv, { encoding: 'utf8' })).toBe('false true\n');
  });

  it.each(['', 'sqlite:', 'strata.db', 'postgres://localhost/x', 'sqlite'])('refuses %j', async (url) => {
    await expect(open(url)).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: 'the store is named as sqlite:NAME or mongodb://SERVER/DATABASE',
    });
  });
});

describe('migrateStore', () => {
  it('makes a database file, and says where it is', async () => {
    const file = join(directory, 'made.db');

    const { done, unused } = await migrateStore({
      url: 'sqlite:made.db',
      dataDir: directory,
      types: contractTypes,
    });

    await expect(access(file)).resolves.toBeUndefined();
    expect(done).toEqual([`The database file ${file} is ready.`]);
    expect(unused).toEqual([]);
  });
});
