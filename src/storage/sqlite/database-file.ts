// The database file as the system sees it: where it lies, and who may read it.
import { accessSync, chmodSync, closeSync, constants, openSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { makePrivateDirectory } from '../../core/directories.ts';
import { sentenceOf, unusable } from './database.ts';

const OWNER_ALONE = 0o600;
const OTHERS = 0o077;

/**
 * Makes the file and its directory where they are missing, readable by their owner alone; a file that others may
 * read is taken from them, with what lies beside it. A new log and its shared memory get the file's rights.
 *
 * An existing file is never opened here: closing it again would drop the locks that SQLite holds on it in this
 * process for another connection.
 */
export function makeFile(path: string): void {
  try {
    makePrivateDirectory(dirname(path));
    if (!madeNew(path)) takeOver(path);
  } catch (error) {
    throw unusable(path, `cannot be opened for writing (${sentenceOf(error)})`, error);
  }
  refuseNetwork(path, statfsSync(path).type);
}

function madeNew(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx', OWNER_ALONE));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function takeOver(path: string): void {
  if (!statSync(path).isFile()) throw new Error('it is no file');

  for (const name of [path, `${path}-wal`, `${path}-shm`]) narrow(name);
  accessSync(path, constants.R_OK | constants.W_OK);
}

function narrow(path: string): void {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & OTHERS) !== 0) chmodSync(path, OWNER_ALONE);
}

/** The log needs memory that all processes share, and locks that hold, which no network file system has. */
function refuseNetwork(path: string, type: number): void {
  if (!isNetworkFileSystem(type)) return;
  throw unusable(
    path,
    'lies on a network file system, where it would be damaged; use a local disk, or MongoDB',
  );
}

/** From Linux's statfs(2); no other system gives these numbers to anything. */
const networkFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x564c, 'NCP'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x01021997, '9P'],
  [0x47504653, 'GPFS'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
]);

/**
 * Whether several machines may have it at once. FUSE tells no remote file system (sshfs) from a local one
 * (encryption, a container's directory), so all of FUSE is let in, and SQLite refuses those without shared memory.
 */
export function isNetworkFileSystem(type: number): boolean {
  return networkFileSystems.has(type);
}
