// When the log beside the file (the WAL) is written back into the file. Seldom makes commits fast, often keeps
// the log short. SQLite does it behind a commit as soon as the log has so many pages; the log begins anew
// when all of it was written back in a moment in which nobody reads from it or writes to it. With several
// processes nothing says when that moment comes, so there is a size at which it is made.
import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { primaryCode } from './database.ts';

const PAGES = 1_000;
/** Each checkpoint costs writes to random places and two waits for the disk: fewer of them while many wait. */
const PAGES_UNDER_LOAD = 4_000;
const LOAD_JOBS = 500;
/** A log that begins anew is cut to this size: 4,000 pages. */
export const LOG_BYTES_KEPT = 16_384_000;
const LOG_BYTES_MAX = 3 * LOG_BYTES_KEPT;
/** A reader in the way is waited for this long, and so are commits, but not more often than every so often. */
const RESTART_WAIT_MS = 100;
const RESTART_EVERY_MS = 2_000;

/** After how many pages in the log a commit writes them back, given how many jobs wait for it. */
export function pagesBeforeCheckpoint(jobsWaiting: number): number {
  return jobsWaiting > LOAD_JOBS ? PAGES_UNDER_LOAD : PAGES;
}

/** Whether the log has to be made to begin anew. */
export function mustRestart(log: { bytes: number; now: number; triedAt: number }): boolean {
  return log.bytes > LOG_BYTES_MAX && log.now - log.triedAt >= RESTART_EVERY_MS;
}

/** Of the connection that writes. */
export class Checkpoints {
  readonly #db: DatabaseSync;
  readonly #log: string;
  readonly #busyTimeoutMs: number;
  #pages = PAGES;
  #triedAt = Number.NEGATIVE_INFINITY;

  constructor(db: DatabaseSync, { path, busyTimeoutMs }: { path: string; busyTimeoutMs: number }) {
    this.#db = db;
    this.#log = `${path}-wal`;
    this.#busyTimeoutMs = busyTimeoutMs;
    db.exec(`PRAGMA wal_autocheckpoint = ${PAGES}; PRAGMA journal_size_limit = ${LOG_BYTES_KEPT}`);
  }

  /** Before a transaction, with the number of jobs that wait. */
  before(jobsWaiting: number): void {
    const pages = pagesBeforeCheckpoint(jobsWaiting);
    if (pages !== this.#pages) this.#db.exec(`PRAGMA wal_autocheckpoint = ${pages}`);
    this.#pages = pages;
  }

  /** After a transaction. */
  after(now: number): void {
    const bytes = statSync(this.#log, { throwIfNoEntry: false })?.size ?? 0;
    if (!mustRestart({ bytes, now, triedAt: this.#triedAt })) return;

    this.#triedAt = now;
    this.#run('RESTART', RESTART_WAIT_MS);
  }

  /** In a pause: writes everything back and empties the log, unless somebody is in the way. */
  idle(): void {
    this.#run('TRUNCATE', 0);
  }

  /** At the end: as `idle`, and waits for whoever is in the way for as long as for any transaction. */
  last(): void {
    this.#run('TRUNCATE', this.#busyTimeoutMs);
  }

  /** What cannot be written back stays in the log, where it is as safe; a broken disk fails the next commit. */
  #run(mode: 'RESTART' | 'TRUNCATE', waitMs: number): void {
    try {
      this.#db.exec(`PRAGMA busy_timeout = ${waitMs}; PRAGMA wal_checkpoint(${mode})`);
    } catch (error) {
      if (primaryCode(error) === undefined) throw error;
    } finally {
      this.#db.exec(`PRAGMA busy_timeout = ${this.#busyTimeoutMs}`);
    }
  }
}
