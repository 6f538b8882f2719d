import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../../src/storage/open.ts';
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

  it.each(['mongodb://localhost/strata', 'mongodb+srv://cluster.example/strata'])(
    'refuses %s',
    async (url) => {
      await expect(open(url)).rejects.toMatchObject({
        code: 'store_unavailable',
        detail: 'MongoDB is not part of this release; use sqlite:NAME',
      });
    },
  );

  it.each(['', 'sqlite:', 'strata.db', 'postgres://localhost/x', 'sqlite'])('refuses %j', async (url) => {
    await expect(open(url)).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: 'the store is named as sqlite:NAME or sqlite::memory:',
    });
  });
});
