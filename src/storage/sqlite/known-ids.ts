// Which ids are behind keys that tell none: a private table of the copier's own, on disk where it grows large, and
// gone with the process.
import { DatabaseSync } from 'node:sqlite';

/** SQLite makes a file for it where memory does not do, and removes it when it is closed. */
const TEMPORARY = '';

export class KnownIds {
  readonly #db = new DatabaseSync(TEMPORARY);

  constructor() {
    this.#db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF');
    this.#db.exec('CREATE TABLE known (key BLOB PRIMARY KEY, id TEXT NOT NULL) STRICT, WITHOUT ROWID');
  }

  add(entries: Iterable<readonly [key: Uint8Array, id: string]>): void {
    const insert = this.#db.prepare('INSERT OR IGNORE INTO known VALUES (?, ?)');
    this.#db.exec('BEGIN');
    for (const [key, id] of entries) insert.run(key, id);
    this.#db.exec('COMMIT');
  }

  /** The id as it was added. */
  find(key: Uint8Array): string | undefined {
    const found = this.#db.prepare('SELECT id FROM known WHERE key = ?').get(key);
    return found && String(found.id);
  }

  close(): void {
    this.#db.close();
  }
}
