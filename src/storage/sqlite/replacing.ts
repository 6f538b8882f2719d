// Putting another file in the place of a database: nobody may use it meanwhile, it is kept beside, and whenever the
// process is killed either the one or the other is there, whole.
//
// Who else has the file open is known by SQLite's locks: in WAL mode every connection that has read holds one, as
// long as it is open, so the lock for oneself alone cannot be had beside a server, a command or another restore.
// Whoever wants the file meanwhile waits for that lock, and could then find himself on the file that was set aside;
// so that is marked, before it leaves its place, as one that nobody serves.
import { existsSync, linkSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makePrivateDirectory, syncDirectory } from '../../core/directories.ts';
import { DomainError } from '../../core/errors.ts';
import { COMPANIONS, copyInto, refuseDamaged, renamedToFree, syncFile } from './backup.ts';
import { openWritable, primaryCode, sentenceOf, unusable } from './database.ts';
import { APPLICATION_ID, pragma, REPLACED_ID, refuseForeign } from './schema.ts';

/** The place of a database, and nobody else at it. */
export interface HeldPlace {
  /** `damaged`: there is a file that SQLite cannot read, so nobody can tell whether a server has it open. */
  readonly kind: 'database' | 'damaged' | 'free';
  /** A whole copy of the database. */
  copyTo(file: string): void;
  /** Puts the file in the place; what was there has the name `keptAs` afterwards. */
  replaceBy(file: string, keptAs: string): void;
  release(): void;
}

const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;
/** A command that is about to end is waited for. */
const WAIT_MS = 1_000;
/** What a restore that was killed leaves beside the database. */
const UNFINISHED = '.restoring-';

/** Throws `conflict` where somebody uses the database, `store_unavailable` where it is another program's. */
export function holdPlace(path: string): HeldPlace {
  if (!existsSync(path)) return freePlace(path);

  const db = openAlone(path);
  if (db === undefined) return damagedPlace(path);

  removeUnfinished(path);
  return {
    kind: 'database',
    copyTo: (file) => copyInto(db, file),
    replaceBy: (file, keptAs) => replaceDatabase(db, { path, file, keptAs }),
    release: () => db.close(),
  };
}

/** Where the next database is made, on the same disk. */
export function unfinishedName(path: string, random: string): string {
  return `${path}${UNFINISHED}${random}`;
}

/** Throws `store_unavailable` unless the file is whole; from then on it is a database like any other. */
export function takeIntoUse(path: string, copyOf: string): void {
  const db = openWritable({ path, busyTimeoutMs: WAIT_MS });
  try {
    refuseDamaged(db, copyOf);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  } catch (error) {
    throw isDamage(error) ? unusable(copyOf, `is damaged (${sentenceOf(error)})`, error) : error;
  } finally {
    db.close();
  }
}

export function removeWithCompanions(path: string): void {
  for (const suffix of ['', ...COMPANIONS]) rmSync(`${path}${suffix}`, { force: true });
}

/** The only connection to the file; undefined where the file is damaged. */
function openAlone(path: string): DatabaseSync | undefined {
  const db = new DatabaseSync(path, { timeout: WAIT_MS });
  try {
    db.exec('PRAGMA trusted_schema = OFF; PRAGMA locking_mode = EXCLUSIVE');
    // The lock is kept after the transaction.
    db.exec('BEGIN EXCLUSIVE; COMMIT');
    if (pragma(db, 'application_id') !== REPLACED_ID) refuseForeignAlone(db, path);
    return db;
  } catch (error) {
    db.close();
    if (primaryCode(error) === SQLITE_BUSY) throw inUse(path);
    if (isDamage(error)) return undefined;
    if (error instanceof DomainError) throw error;
    throw unusable(path, `cannot be opened: ${sentenceOf(error)}`, error);
  }
}

/** A newer release's database may be replaced; what is not ours may not. */
function refuseForeignAlone(db: DatabaseSync, path: string): void {
  if (pragma(db, 'application_id') !== APPLICATION_ID) refuseForeign(db, path);
}

function replaceDatabase(db: DatabaseSync, step: { path: string; file: string; keptAs: string }): void {
  const { path, file, keptAs } = step;
  const before = pragma(db, 'application_id');
  try {
    // Before it leaves its place, so that it is never served from anywhere else.
    db.exec(`PRAGMA application_id = ${REPLACED_ID}`);
    // Its log goes with this: SQLite would take a log that it finds for that of the next database.
    db.exec('PRAGMA journal_mode = DELETE');
    removeCompanions(path);
    keep(db, path, keptAs);
    syncDirectory(dirname(path));
    renameSync(file, path);
  } catch (error) {
    rmSync(keptAs, { force: true });
    db.exec(`PRAGMA application_id = ${before}`);
    throw error;
  }
  syncDirectory(dirname(path));
}

/** A second name for the same file, so that its place is never empty. */
function keep(db: DatabaseSync, path: string, keptAs: string): void {
  try {
    linkSync(path, keptAs);
  } catch {
    // A file system without links.
    copyInto(db, keptAs);
    syncFile(keptAs);
  }
}

function freePlace(path: string): HeldPlace {
  return {
    kind: 'free',
    copyTo: () => undefined,
    replaceBy: (file, keptAs) => {
      makePrivateDirectory(dirname(path));
      keepCompanions(path, keptAs);
      if (!renamedToFree(file, path)) throw madeMeanwhile(path);
      syncDirectory(dirname(path));
    },
    release: () => undefined,
  };
}

function damagedPlace(path: string): HeldPlace {
  return {
    kind: 'damaged',
    copyTo: () => undefined,
    replaceBy: (file, keptAs) => {
      linkSync(path, keptAs);
      keepCompanions(path, keptAs);
      syncDirectory(dirname(path));
      renameSync(file, path);
      syncDirectory(dirname(path));
    },
    release: () => undefined,
  };
}

/** A log without its database, or of one that cannot be read: it may be all that is left of something. */
function keepCompanions(path: string, keptAs: string): void {
  for (const suffix of COMPANIONS) {
    if (existsSync(`${path}${suffix}`)) renameSync(`${path}${suffix}`, `${keptAs}${suffix}`);
  }
}

function removeCompanions(path: string): void {
  for (const suffix of COMPANIONS) rmSync(`${path}${suffix}`, { force: true });
}

/** No other restore is at work on this place, so whatever has such a name is of one that was killed. */
function removeUnfinished(path: string): void {
  const directory = dirname(path);
  for (const name of readdirSync(directory)) {
    if (name.startsWith(`${basename(path)}${UNFINISHED}`)) rmSync(join(directory, name), { force: true });
  }
}

function isDamage(error: unknown): boolean {
  const code = primaryCode(error);
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
}

function inUse(path: string): DomainError {
  const detail = `the database ${path} is in use: stop every server and command on it, and try again`;
  return new DomainError('conflict', { detail });
}

function madeMeanwhile(path: string): DomainError {
  return new DomainError('conflict', { detail: `a database ${path} was made meanwhile; try again` });
}
