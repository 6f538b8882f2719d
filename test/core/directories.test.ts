import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makePrivateDirectory } from '../../src/core/directories.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'strata-directories-'));
});

afterEach(() => rm(root, { recursive: true }));

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

describe('makePrivateDirectory', () => {
  it('makes what is missing on the way, for its owner alone', async () => {
    makePrivateDirectory(join(root, 'a', 'b', 'c'));

    for (const path of ['a', 'a/b', 'a/b/c']) expect(await modeOf(join(root, path))).toBe(0o700);
  });

  it('leaves a directory that is there as it is', async () => {
    await mkdir(join(root, 'shared'), { mode: 0o755 });

    makePrivateDirectory(join(root, 'shared'));

    expect(await modeOf(join(root, 'shared'))).toBe(0o755);
  });

  it('throws the reason of the system where a file is in the way', async () => {
    await writeFile(join(root, 'file'), '');

    expect(() => makePrivateDirectory(join(root, 'file'))).toThrow(
      expect.objectContaining({ code: 'EEXIST' }),
    );
    expect(() => makePrivateDirectory(join(root, 'file', 'a'))).toThrow(
      expect.objectContaining({ code: 'ENOTDIR' }),
    );
  });

  it.runIf(process.platform === 'linux')('gives up where the system makes no directories', () => {
    // Node's own recursive way never returns from this one.
    expect(() => makePrivateDirectory('/proc/strata/data')).toThrow(
      expect.objectContaining({ code: 'ENOENT' }),
    );
  });
});
