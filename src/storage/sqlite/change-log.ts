// The change log of a SQLite file: triggers, so that whatever connection of whatever process writes, the change
// is noted in the same transaction, and a store that is not being copied pays nothing. Freezing is triggers, too:
// they refuse every write from the transaction after their own on, and until a time that stands in the file.
import type { DatabaseSync } from 'node:sqlite';
import type { ChangeLog, Changes } from '../copy/change-log.ts';
import { keyValueOf } from '../key-text.ts';
import type { RecordType } from '../record-type.ts';
import { type DatabaseSettings, openWritable, retryBusy } from './database.ts';
import { FROZEN_MESSAGE } from './frozen.ts';
import { quoted } from './table.ts';

/** No record type can have these names. */
const LOG = quoted('strata:changes');
const FREEZE = quoted('strata:freeze');
const FREEZE_PREFIX = 'strata:frozen:';
const LOG_PREFIX = 'strata:changed:';
const OPERATIONS = ['INSERT', 'UPDATE', 'DELETE'] as const;

/** A copy that nobody takes on again leaves a log of at most this length. */
const ENTRIES_MAX = 10_000_000;
const TRIM_EVERY = 1_000;
/** Later than every time that milliseconds are counted in. */
const FOR_GOOD = 1e17;
const NOW = "unixepoch('subsec') * 1000";
const BEGIN_ATTEMPTS = 6;

export class SqliteChangeLog implements ChangeLog {
  readonly #db: DatabaseSync;
  readonly #types: readonly string[];

  /** `types` are those whose changes are noted. */
  constructor(settings: DatabaseSettings, types: readonly RecordType<object>[]) {
    this.#db = openWritable(settings);
    this.#types = types.map(({ name }) => name);
  }

  async start(): Promise<string> {
    return this.#inTransaction(() => {
      this.#db.exec(logSql(this.#types));
      return String(this.#newest());
    });
  }

  async read(after: string, limit: number): Promise<Changes> {
    if (!this.#exists('strata:changes')) return { kind: 'lost' };
    this.#inTransaction(() => this.#db.prepare(`DELETE FROM ${LOG} WHERE seq <= ?`).run(Number(after)));

    const newest = this.#newest();
    const rows = this.#db
      .prepare(`SELECT seq, type, id FROM ${LOG} WHERE seq > ? ORDER BY seq LIMIT ?`)
      .all(Number(after), limit);
    const first = rows.length > 0 ? Number(rows[0]?.seq) : newest + 1;
    if (first > Number(after) + 1) return { kind: 'lost' };

    const position = Number(rows.at(-1)?.seq ?? after);
    const names = rows.map((row) => ({ type: String(row.type), id: keyValueOf(String(row.id)) }));
    return { kind: 'changes', names, position: String(position), more: position < newest };
  }

  async freeze(ms: number): Promise<void> {
    this.#inTransaction(() => {
      this.#db.exec(freezeSql(this.#types));
      this.#db.prepare(`UPDATE ${FREEZE} SET until = max(until, ${NOW} + ?)`).run(ms);
    });
  }

  async thaw(): Promise<void> {
    this.#inTransaction(() => {
      if (!this.#sealed()) this.#dropFreeze();
    });
  }

  async seal(position: string): Promise<boolean> {
    return this.#inTransaction(() => {
      if (this.#newest() !== Number(position) || !this.#exists('strata:freeze')) return false;
      this.#db.exec(`UPDATE ${FREEZE} SET until = ${FOR_GOOD}`);
      return true;
    });
  }

  async stop(): Promise<void> {
    this.#inTransaction(() => {
      this.#dropFreeze();
      this.#dropTriggers(LOG_PREFIX);
      this.#db.exec(`DROP TABLE IF EXISTS ${LOG}`);
    });
  }

  async close(): Promise<void> {
    this.#db.close();
  }

  /** The number of the last change that was ever noted. */
  #newest(): number {
    return Number(
      this.#db.prepare(`SELECT seq FROM sqlite_sequence WHERE name = ?`).get('strata:changes')?.seq ?? 0,
    );
  }

  #sealed(): boolean {
    if (!this.#exists('strata:freeze')) return false;
    return this.#db.prepare(`SELECT 1 FROM ${FREEZE} WHERE until >= ${FOR_GOOD}`).get() !== undefined;
  }

  #exists(table: string): boolean {
    const sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?";
    return this.#db.prepare(sql).get(table) !== undefined;
  }

  #dropFreeze(): void {
    this.#dropTriggers(FREEZE_PREFIX);
    this.#db.exec(`DROP TABLE IF EXISTS ${FREEZE}`);
  }

  #dropTriggers(prefix: string): void {
    const rows = this.#db.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all();
    const names = rows.map((row) => String(row.name)).filter((name) => name.startsWith(prefix));
    for (const name of names) this.#db.exec(`DROP TRIGGER ${quoted(name)}`);
  }

  #inTransaction<Result>(work: () => Result): Result {
    retryBusy(BEGIN_ATTEMPTS, () => this.#db.exec('BEGIN IMMEDIATE'));
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }
}

function logSql(types: readonly string[]): string {
  return `
    CREATE TABLE IF NOT EXISTS ${LOG} (seq INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, id TEXT NOT NULL) STRICT;
    CREATE TRIGGER IF NOT EXISTS ${quoted(`${LOG_PREFIX}trim`)} AFTER INSERT ON ${LOG} WHEN NEW.seq % ${TRIM_EVERY} = 0
      BEGIN DELETE FROM ${LOG} WHERE seq <= NEW.seq - ${ENTRIES_MAX}; END;
    ${triggers(types, (type, operation) => {
      const row = operation === 'DELETE' ? 'OLD' : 'NEW';
      return `CREATE TRIGGER IF NOT EXISTS ${quoted(`${LOG_PREFIX}${type}:${operation}`)} AFTER ${operation} ON ${quoted(type)}
        BEGIN INSERT INTO ${LOG} (type, id) VALUES ('${type}', ${row}.id); END;`;
    })}`;
}

function freezeSql(types: readonly string[]): string {
  return `
    CREATE TABLE IF NOT EXISTS ${FREEZE} (one INTEGER PRIMARY KEY CHECK (one = 1), until REAL NOT NULL) STRICT;
    INSERT OR IGNORE INTO ${FREEZE} VALUES (1, 0);
    ${triggers(
      types,
      (type, operation) => `
        CREATE TRIGGER IF NOT EXISTS ${quoted(`${FREEZE_PREFIX}${type}:${operation}`)} BEFORE ${operation} ON ${quoted(type)}
        WHEN (SELECT until FROM ${FREEZE}) > ${NOW} BEGIN SELECT RAISE(ABORT, '${FROZEN_MESSAGE}'); END;`,
    )}`;
}

function triggers(
  types: readonly string[],
  sql: (type: string, operation: (typeof OPERATIONS)[number]) => string,
): string {
  return types.flatMap((type) => OPERATIONS.map((operation) => sql(type, operation))).join('\n');
}
