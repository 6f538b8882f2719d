// Wake-ups for the other processes on a file: numbered rows that each of them reads from where it was. Nobody
// has to read them, so they go after a while, a few with every few that come; a reader that is behind sees that
// numbers are missing. AUTOINCREMENT gives no number twice and skips none, whatever was rolled back or removed.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { keyText } from '../key-text.ts';
import { quoted } from './table.ts';

export interface WakeUp {
  /** The open store that says it. */
  readonly origin: string;
  readonly topic: string;
  readonly key: string;
}

/** No record type can have this name. */
export const WAKE_UPS_NAME = 'strata:wake_ups';
export const WAKE_UPS = quoted(WAKE_UPS_NAME);

export const createWakeUps = `CREATE TABLE ${WAKE_UPS} (n INTEGER PRIMARY KEY AUTOINCREMENT,
  origin TEXT NOT NULL, topic TEXT NOT NULL, key TEXT NOT NULL, at REAL NOT NULL) STRICT`;

const KEPT_MS = 5 * 60_000;
/** Whatever clocks say: no more rows than this. */
const KEPT_MAX = 10_000;
const TRIM_EVERY = 16;
const TRIM_BITE = 64;

export class WakeUpTable {
  readonly #insert: StatementSync;
  readonly #trim: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(`INSERT INTO ${WAKE_UPS} (origin, topic, key, at) VALUES (?, ?, ?, ?)`);
    this.#trim = db.prepare(`DELETE FROM ${WAKE_UPS}
      WHERE n IN (SELECT n FROM ${WAKE_UPS} ORDER BY n LIMIT ${TRIM_BITE}) AND (at <= ? OR n <= ?)`);
  }

  append({ origin, topic, key }: WakeUp, now: number): void {
    const n = Number(this.#insert.run(origin, keyText(topic), keyText(key), now).lastInsertRowid);
    if (n % TRIM_EVERY === 0) this.#trim.run(now - KEPT_MS, n - KEPT_MAX);
  }
}
