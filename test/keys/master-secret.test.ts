import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { masterKey } from '../../src/keys/master-secret.ts';

let dataDir: string;
let file: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'strata-master-'));
  file = join(dataDir, 'master.key');
});

afterEach(() => rmSync(dataDir, { recursive: true }));

describe('masterKey', () => {
  it('is made of the secret that is set, and leaves no file', () => {
    const one = masterKey({ masterSecret: 'a secret of thirty-two characters', dataDir });

    expect(one).toHaveLength(32);
    expect(one).not.toEqual(masterKey({ masterSecret: 'another secret of that very length', dataDir }));
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it('without one is made of a file that is made once, for its owner alone', () => {
    const made = masterKey({ dataDir });

    expect(masterKey({ dataDir })).toEqual(made);
    expect(readFileSync(file, 'utf8')).toMatch(/^[\w-]{43}$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(dataDir)).toEqual(['master.key']);
  });

  it('takes the file back from others who could read it', () => {
    masterKey({ dataDir });
    chmodSync(file, 0o644);
    masterKey({ dataDir });

    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['empty', ''],
    ['cut off', 'kZ3v9Qm1Xr7Lw5Tt'],
    ['all blanks', ' '.repeat(64)],
  ])('refuses a file that is %s, and leaves it as it is', (_what, content) => {
    writeFileSync(file, content);

    expect(() => masterKey({ dataDir })).toThrow(
      expect.objectContaining({
        code: 'store_unavailable',
        detail: expect.stringContaining(`${file} has fewer than 32 characters`),
      }),
    );
    expect(readFileSync(file, 'utf8')).toBe(content);
  });
});
