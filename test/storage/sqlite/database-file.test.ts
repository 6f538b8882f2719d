import { execFileSync } from 'node:child_process';
import type { StatsFs } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openStore } from '../../../src/storage/open.ts';
import { isNetworkFileSystem, makeFile } from '../../../src/storage/sqlite/database-file.ts';
import { insert } from '../../../src/storage/store.ts';
import { testClock } from '../../support/test-clock.ts';
import { contractTypes, things } from '../contract-types.ts';

// Node's own statfs, except for what a test says of a path: nobody has a network file system at hand.
const mounted = vi.hoisted(() => new Map<string, number>());
vi.mock('node:fs', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:fs')>();
  function statfsSync(path: string): StatsFs {
    const real = original.statfsSync(path);
    return { ...real, type: mounted.get(path) ?? real.type };
  }
  return { ...original, statfsSync };
});

let dataDir: string;
const file = () => join(dataDir, 'strata.db');

beforeEach(async () => {
  mounted.clear();
  dataDir = await mkdtemp(join(tmpdir(), 'strata-'));
  return () => rm(dataDir, { recursive: true });
});

async function opened() {
  const address = { url: 'sqlite:strata.db', dataDir };
  const store = await openStore({ ...address, clock: testClock(), types: contractTypes });
  onTestFinished(() => store.close());
  return store;
}

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

describe('isNetworkFileSystem', () => {
  it.each([
    ['NFS', 0x6969],
    ['SMB', 0x517b],
    ['CIFS', 0xff534d42],
    ['SMB2', 0xfe534d42],
    ['NCP', 0x564c],
    ['AFS (OpenAFS)', 0x5346414f],
    ['AFS (kAFS)', 0x6b414653],
    ['Coda', 0x73757245],
    ['Ceph', 0x00c36400],
    ['Lustre', 0x0bd00bd0],
    ['9P', 0x01021997],
    ['GPFS', 0x47504653],
    ['GFS2', 0x01161970],
    ['OCFS2', 0x7461636f],
  ])('is true of %s', (_, type) => {
    expect(isNetworkFileSystem(type)).toBe(true);
  });

  it.each([
    ['ext4', 0xef53],
    ['XFS', 0x58465342],
    ['Btrfs', 0x9123683e],
    ['ZFS', 0x2fc12fc1],
    ['F2FS', 0xf2f52010],
    ['tmpfs', 0x01021994],
    ['overlayfs', 0x794c7630],
    ['FUSE, which says no more', 0x65735546],
    ['APFS, as macOS numbers it', 0x1a],
    ['Windows, which gives no number', 0],
  ])('is false of %s', (_, type) => {
    expect(isNetworkFileSystem(type)).toBe(false);
  });
});

describe('a database file on a network file system', () => {
  it('is refused with a sentence', async () => {
    mounted.set(file(), 0x6969);

    await expect(opened()).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: `the database file ${file()} lies on a network file system, where it would be damaged; use a local disk, or MongoDB`,
    });
  });
});

describe('a database file that others may read', () => {
  it('is taken from them, with what lies beside it', async () => {
    const first = await opened();
    await first.commit([insert(things, 'a', {})]);
    const names = [file(), `${file()}-wal`, `${file()}-shm`];
    for (const name of names) await chmod(name, 0o644);

    await opened();

    expect(await Promise.all(names.map(modeOf))).toEqual([0o600, 0o600, 0o600]);
  });

  it('keeps rights that are narrower than its own', async () => {
    await writeFile(file(), '', { mode: 0o400 });

    await opened().catch(() => undefined);

    expect(await modeOf(file())).toBe(0o400);
  });
});

describe('makeFile', () => {
  it('leaves another connection of this process its locks', async () => {
    const store = await opened();
    await store.commit([insert(things, 'a', {})]);

    makeFile(file());
    // Another process that finds no lock takes itself for the last one, and removes the log when it closes.
    execFileSync(process.execPath, [
      '-e',
      `const db = new (require('node:sqlite').DatabaseSync)(process.argv[1]);
       db.exec('SELECT count(*) FROM sqlite_schema');
       db.close()`,
      file(),
    ]);

    expect(await readdir(dataDir)).toContain('strata.db-wal');
  });

  it('leaves the content of a file alone', async () => {
    await writeFile(file(), 'content');

    makeFile(file());

    expect(await readFile(file(), 'utf8')).toBe('content');
  });

  it('takes over the file that a link leads to', async () => {
    await writeFile(join(dataDir, 'real.db'), '', { mode: 0o666 });
    await symlink(join(dataDir, 'real.db'), file());

    makeFile(file());

    expect(await modeOf(join(dataDir, 'real.db'))).toBe(0o600);
  });

  it('refuses what is no file', () => {
    expect(() => makeFile(dataDir)).toThrow('cannot be opened for writing (it is no file)');
  });
});
