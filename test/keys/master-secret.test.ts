import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { masterKey } from '../../src/keys/master-secret.ts';

let dataDir: string;

beforeEach(async () => {
  dataDir = join(await mkdtemp(join(tmpdir(), 'strata-master-')), 'data');
});

afterEach(() => rm(join(dataDir, '..'), { recursive: true }));

describe('masterKey', () => {
  it('makes a secret at the first start, for its owner alone, and finds it again', async () => {
    const first = masterKey({ dataDir });

    expect(masterKey({ dataDir })).toEqual(first);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    expect((await stat(join(dataDir, 'master.key'))).mode & 0o777).toBe(0o600);
    expect(await readdir(dataDir)).toEqual(['master.key']);
  });

  it('writes nothing where the configuration brought a secret', async () => {
    const key = masterKey({ dataDir, masterSecret: 'a secret of thirty-two characters' });

    expect(key).toHaveLength(32);
    await expect(stat(dataDir)).rejects.toThrow();
  });

  it('makes one secret where several processes start at the same moment', async () => {
    const module = new URL('../../src/keys/master-secret.ts', import.meta.url).href;
    const script = `
      const { parentPort, workerData } = require('node:worker_threads');
      import(${JSON.stringify(module)}).then(({ masterKey }) => {
        parentPort.postMessage(Buffer.from(masterKey({ dataDir: workerData })).toString('hex'));
      });`;
    const keys = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const worker = new Worker(script, { eval: true, workerData: dataDir });
        return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      }),
    );

    expect(new Set(keys).size).toBe(1);
    expect(await readFile(join(dataDir, 'master.key'), 'utf8')).toMatch(/^[\w-]{43}$/);
    expect(await readdir(dataDir)).toEqual(['master.key']);
  });
});
