import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { masterKeyOf, masterKeys } from '../../src/keys/master-secret.ts';

let dataDir: string;

beforeEach(async () => {
  dataDir = join(await mkdtemp(join(tmpdir(), 'strata-master-')), 'data');
});

afterEach(() => rm(join(dataDir, '..'), { recursive: true }));

describe('masterKeys', () => {
  it('makes a secret at the first start, for its owner alone, and finds it again', async () => {
    const first = masterKeys({ dataDir });

    expect(masterKeys({ dataDir })).toEqual(first);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    expect((await stat(join(dataDir, 'master.key'))).mode & 0o777).toBe(0o600);
    expect(await readdir(dataDir)).toEqual(['master.key']);
  });

  it('writes nothing where the configuration brought a secret', async () => {
    const { current, previous } = masterKeys({ dataDir, masterSecret: 'a secret of thirty-two characters' });

    expect(current.bytes).toHaveLength(32);
    expect(previous).toBeUndefined();
    await expect(stat(dataDir)).rejects.toThrow();
  });

  it('makes one secret where several processes start at the same moment', async () => {
    const module = new URL('../../src/keys/master-secret.ts', import.meta.url).href;
    const script = `
      const { parentPort, workerData } = require('node:worker_threads');
      import(${JSON.stringify(module)}).then(({ masterKeys }) => {
        parentPort.postMessage(masterKeys({ dataDir: workerData }).current.id);
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

  it('knows the secret before beside the one that is in force', async () => {
    const [masterSecret, previousMasterSecret] = [
      'the new secret, long enough',
      'the old secret, long enough',
    ];
    const { current, previous } = masterKeys({ dataDir, masterSecret, previousMasterSecret });

    expect(current).toEqual(masterKeyOf(masterSecret));
    expect(previous).toEqual(masterKeyOf(previousMasterSecret));
    expect(current.id).not.toBe(previous?.id);
  });
});

describe('the id of a master key', () => {
  it('is the same for the same secret and tells neither secret nor key', () => {
    const secret = randomBytes(32).toString('base64');
    const { id, bytes } = masterKeyOf(secret);

    expect(masterKeyOf(secret).id).toBe(id);
    expect(id).toMatch(/^mk_[0-9a-f]{12}$/);
    const hex = id.slice('mk_'.length);
    for (const told of [bytes, Buffer.from(secret), Buffer.from(secret, 'base64')]) {
      expect(told.toString('hex')).not.toContain(hex);
    }
  });
});
