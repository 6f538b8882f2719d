// Backups: a copy of a database file as it is at one moment, taken beside those who write to it. It is written
// under another name, brought to the disk and looked through before it gets its own, so that there is never half
// a backup under the name of one.
//
// VACUUM INTO reads in one transaction, which holds up no writer (it keeps the log from being emptied meanwhile),
// and copies records alone: what was deleted is not in the copy.
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { syncDirectory } from '../../core/directories.ts';
import { DomainError } from '../../core/errors.ts';
import { randomToken } from '../../core/secrets.ts';
import { openReadOnly, openWritable, sentenceOf, unusable } from './database.ts';
import { APPLICATION_ID, type FileIdentity, REPLACED_ID, refuseForeign, refuseStranger } from './schema.ts';
import { quoted } from './table.ts';

export interface BackupOrder {
  /** Path of the database file. */
  readonly database: string;
  /** Path of the backup. */
  readonly file: string;
  /** Whether a file that has that name is replaced. */
  readonly overwrite: boolean;
}

export interface Backup {
  readonly bytes: number;
  /** How many there are of each record type, by its name; expired ones that nobody has swept yet included. */
  readonly records: ReadonlyMap<string, number>;
}

const BUSY_TIMEOUT_MS = 5_000;
const OWNER_ALONE = 0o600;
/** What SQLite keeps beside a database. */
export const COMPANIONS = ['-wal', '-shm', '-journal'];

/** Throws `DomainError` or the system's error, each a sentence for the operator. */
export function backUpDatabase({ database, file, overwrite }: BackupOrder): Backup {
  refuseDatabaseItself(database, file);
  refusePlace(file, overwrite);

  const aside = `${file}.part-${randomToken(6)}`;
  try {
    copyDatabase(database, aside);
    const records = countRecords(aside);
    syncFile(aside);
    const bytes = statSync(aside).size;
    if (overwrite) renameSync(aside, file);
    else if (!renamedToFree(aside, file)) throw taken(file);
    syncDirectory(dirname(file));
    return { bytes, records };
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Throws unless the file may be restored: a database of ours in one piece that this release can read. */
export function refuseNoBackup(file: string): void {
  const identity = identityOf(file);
  if (identity === undefined) throw unusable(file, 'is no database');

  const isSetAside = identity.applicationId === REPLACED_ID;
  refuseStranger(file, isSetAside ? { ...identity, applicationId: APPLICATION_ID } : identity);
  if (existsSync(`${file}-wal`)) {
    throw unusable(
      file,
      'has a log beside it: it is in use, or was not closed; let strata backup make a copy of it first',
    );
  }
}

/** Throws where SQLite finds a page, a row or an index of it damaged. */
export function refuseDamaged(db: DatabaseSync, path: string): void {
  const found = db.prepare('PRAGMA integrity_check(1)').get()?.integrity_check;
  if (found !== 'ok') throw unusable(path, `is damaged (${String(found).split('\n')[0]})`);
}

export function syncFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Never over a file that has the name: of two that want it one gets it. */
export function renamedToFree(from: string, to: string): boolean {
  try {
    linkSync(from, to);
  } catch {
    // Taken; or a file system without links (USB sticks, network shares), where the look must do.
    if (existsSync(to)) return false;
    renameSync(from, to);
    return true;
  }
  rmSync(from);
  return true;
}

/** All records as they are now, into a new file for its owner alone. */
export function copyInto(db: DatabaseSync, file: string): void {
  closeSync(openSync(file, 'wx', OWNER_ALONE));
  db.prepare('VACUUM INTO ?').run(file);
}

function copyDatabase(database: string, to: string): void {
  // One that only reads would leave a log beside a database that nobody else has open.
  const db = openWritable({ path: database, busyTimeoutMs: BUSY_TIMEOUT_MS });
  try {
    refuseForeign(db, database);
    copyInto(db, to);
  } catch (error) {
    if (error instanceof DomainError) throw error;
    throw unusable(database, `cannot be copied: ${sentenceOf(error)}`, error);
  } finally {
    db.close();
  }
}

function countRecords(file: string): ReadonlyMap<string, number> {
  const db = openReadOnly({ path: file, busyTimeoutMs: BUSY_TIMEOUT_MS });
  try {
    refuseDamaged(db, file);
    // Tables with a colon in their name are the driver's own.
    const tables = db
      .prepare(
        `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         AND name NOT LIKE '%:%' ORDER BY name`,
      )
      .all();
    return new Map(tables.map(({ name }) => [String(name), countOf(db, String(name))]));
  } finally {
    db.close();
  }
}

function countOf(db: DatabaseSync, table: string): number {
  return Number(db.prepare(`SELECT count(*) AS n FROM ${quoted(table)}`).get()?.n);
}

/** Also the files beside it, of which `--force` would make an end of the database. */
function refuseDatabaseItself(database: string, file: string): void {
  const own = [database, ...COMPANIONS.map((suffix) => `${database}${suffix}`)];
  if (own.some((each) => isSameFile(each, file))) {
    throw refused(`${file} is the database itself: name another file`);
  }
}

export function isSameFile(one: string, other: string): boolean {
  if (one === other) return true;

  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false, bigint: true }));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

function refusePlace(file: string, overwrite: boolean): void {
  const directory = dirname(file);
  if (!existsSync(directory)) throw refused(`there is no directory ${directory}`);
  if (isDirectory(file)) throw refused(`${file} is a directory: name a file in it`);
  if (!overwrite && existsSync(file)) throw taken(file);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function taken(file: string): DomainError {
  return refused(`there is a file ${file} already; --force replaces it`);
}

function refused(detail: string): DomainError {
  return new DomainError('conflict', { detail });
}

const HEADER_BYTES = 100;
const MAGIC = 'SQLite format 3\0';
/** Places in the header of a database file, by SQLite's description of its format. */
const VERSION_AT = 60;
const APPLICATION_ID_AT = 68;

/** Read without SQLite, which would put files beside it; undefined where it is no database. */
function identityOf(file: string): FileIdentity | undefined {
  const header = Buffer.alloc(HEADER_BYTES);
  const opened = openSync(file, 'r');
  try {
    readSync(opened, header, 0, HEADER_BYTES, 0);
  } finally {
    closeSync(opened);
  }
  if (header.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  return { applicationId: header.readUInt32BE(APPLICATION_ID_AT), version: header.readUInt32BE(VERSION_AT) };
}
