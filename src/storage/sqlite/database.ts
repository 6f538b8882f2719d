// Connections to a database and their settings. What an operator can do something about is refused with one
// sentence that says so.
import { DatabaseSync } from 'node:sqlite';
import { DomainError } from '../../core/errors.ts';

export const MEMORY = ':memory:';

export interface DatabaseSettings {
  /** Path of the file, or `:memory:`. */
  readonly path: string;
  /** How long a connection waits for another process's transaction before it reports the file as busy. */
  readonly busyTimeoutMs: number;
}

const SQLITE_BUSY = 5;

/** The connection of the one who writes. */
export function openWritable({ path, busyTimeoutMs }: DatabaseSettings): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: busyTimeoutMs });
  // FULL: an answered commit survives a power loss (I8); NORMAL would bring redeemed codes back to life.
  db.exec('PRAGMA synchronous = FULL');
  db.exec('PRAGMA cache_size = -32768; PRAGMA trusted_schema = OFF');
  return db;
}

/** The connection of those who read beside the writer. */
export function openReadOnly({ path, busyTimeoutMs }: DatabaseSettings): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: busyTimeoutMs, readOnly: true });
  db.exec('PRAGMA cache_size = -32768; PRAGMA trusted_schema = OFF');
  return db;
}

export function unusable(path: string, why: string, cause?: unknown): DomainError {
  return new DomainError('store_unavailable', { detail: `the database file ${path} ${why}`, cause });
}

/** Runs a step again while another process has the file; each attempt waits for the busy timeout by itself. */
export function retryBusy(attempts: number, step: () => void): void {
  try {
    step();
  } catch (error) {
    if (primaryCode(error) !== SQLITE_BUSY || attempts <= 1) throw error;
    retryBusy(attempts - 1, step);
  }
}

/** SQLite's primary result code; extended codes carry it in their lowest byte. */
export function primaryCode(error: unknown): number | undefined {
  const isOurs = error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
  return isOurs ? Number(error.errcode) & 0xff : undefined;
}

export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
