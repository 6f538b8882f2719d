// The statements the engine works with, one set for each table, prepared on first use. A `key` is an id as the
// table spells it (`keyText`).
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type ColumnValue, keyName, type Table } from './table.ts';

export interface Stored {
  readonly expiresAt: number | null;
}

interface Row extends Stored {
  readonly json: string;
}

interface Holder extends Stored {
  readonly key: string;
}

export class TableStatements {
  readonly table: Table;
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(db: DatabaseSync, table: Table) {
    this.#db = db;
    this.table = table;
  }

  /** The record with this key, expired or not. */
  row(key: string): Row | undefined {
    const found = this.#prepare(`SELECT body, expires_at FROM ${this.table.sqlName} WHERE id = ?`).get(key);
    return found && { json: String(found.body), expiresAt: numberOrNull(found.expires_at) };
  }

  /** The record, expired or not, whose unique field has this value. */
  holder(field: string, value: string): Holder | undefined {
    const sql = `SELECT id, expires_at FROM ${this.table.sqlName} WHERE ${keyName(field)} = ?`;
    const found = this.#prepare(sql).get(value);
    return found && { key: String(found.id), expiresAt: numberOrNull(found.expires_at) };
  }

  insert(key: string, json: string, columns: readonly ColumnValue[]): void {
    const names = ['id', 'body', ...this.table.columns.map((column) => column.name)];
    const marks = names.map(() => '?').join(', ');
    const sql = `INSERT INTO ${this.table.sqlName} (${names.join(', ')}) VALUES (${marks})`;
    this.#prepare(sql).run(key, json, ...columns);
  }

  /** Names only the columns that change: SQLite rewrites every index whose columns a statement names. */
  update(
    key: string,
    json: string,
    columns: { before: readonly ColumnValue[]; after: readonly ColumnValue[] },
  ): void {
    const changed = this.table.columns
      .map((column, index) => ({ name: column.name, value: columns.after[index] ?? null, index }))
      .filter(({ value, index }) => value !== columns.before[index]);
    const assignments = ['body', ...changed.map(({ name }) => name)].map((name) => `${name} = ?`).join(', ');
    const sql = `UPDATE ${this.table.sqlName} SET ${assignments} WHERE id = ?`;
    this.#prepare(sql).run(json, ...changed.map(({ value }) => value), key);
  }

  delete(key: string): void {
    this.#prepare(`DELETE FROM ${this.table.sqlName} WHERE id = ?`).run(key);
  }

  /** Removes up to `limit` expired records and returns how many. */
  deleteExpired(now: number, limit: number): number {
    const { sqlName } = this.table;
    const some = `SELECT rowid FROM ${sqlName} WHERE expires_at <= ? LIMIT ?`;
    const { changes } = this.#prepare(`DELETE FROM ${sqlName} WHERE rowid IN (${some})`).run(now, limit);
    return Number(changes);
  }

  #prepare(sql: string): StatementSync {
    const prepared = this.#prepared.get(sql) ?? this.#db.prepare(sql);
    this.#prepared.set(sql, prepared);
    return prepared;
  }
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
