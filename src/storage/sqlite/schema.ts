// Brings a database file to the shape that the declared record types ask for: new tables, columns and indexes
// are added to an existing file, in one transaction, after the steps that lead from version to version
// (migrations.ts). Nothing but indexes is ever dropped. Of two releases with the same version the older one,
// opening the file later, drops the indexes it does not maintain, and the newer one, opening it again, derives
// the columns anew and builds them again.
import type { DatabaseSync } from 'node:sqlite';
import { bodyOf } from '../body.ts';
import { MEMORY, primaryCode, retryBusy, unusable } from './database.ts';
import { SCHEMA_VERSION, stepsFrom } from './migrations.ts';
import { columnsOf, createTable, type Index, quoted, type Table } from './table.ts';

/** "Stra" in ASCII: tells our files from those of other programs. */
export const APPLICATION_ID = 0x53747261;
/** "Strr": ours, and set aside for another one (replacing.ts). Nobody may serve it as it is. */
export const REPLACED_ID = 0x53747272;

const SQLITE_CONSTRAINT = 19;
const BACKFILL_ROWS = 500;
/** SQLite hands the file to whoever asks next, not to who has waited longest; beside busy writers that takes a while. */
const ATTEMPTS = 5;

export interface SchemaTarget {
  readonly path: string;
  readonly tables: ReadonlyMap<string, Table>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export function prepareSchema(db: DatabaseSync, target: SchemaTarget): void {
  refuseForeign(db, target.path);
  if (target.path !== MEMORY) enterWal(db, target.path);

  retryBusy(ATTEMPTS, () => db.exec('BEGIN IMMEDIATE'));
  try {
    // Looked at again: another process may have opened the same new file in the meantime.
    refuseForeign(db, target.path);
    for (const step of stepsFrom(pragma(db, 'user_version'))) db.exec(step);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`);
    for (const table of target.tables.values()) migrate(db, table, target);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** What the header of a file says of it. */
export interface FileIdentity {
  readonly applicationId: number;
  /** Of the schema. */
  readonly version: number;
}

export function refuseForeign(db: DatabaseSync, path: string): void {
  const identity = { applicationId: pragma(db, 'application_id'), version: pragma(db, 'user_version') };
  const isNew = identity.applicationId === 0 && identity.version === 0 && isEmpty(db);
  if (isNew) return;

  if (identity.applicationId === REPLACED_ID) {
    throw unusable(path, 'was set aside by strata restore; strata restore puts it, or a backup, in place');
  }
  refuseStranger(path, identity);
}

export function refuseStranger(path: string, { applicationId, version }: FileIdentity): void {
  if (applicationId !== APPLICATION_ID) throw unusable(path, 'belongs to another program');
  if (version > SCHEMA_VERSION) {
    throw unusable(
      path,
      `was written by a newer release (schema ${version}, this one knows ${SCHEMA_VERSION})`,
    );
  }
}

export function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}

function isEmpty(db: DatabaseSync): boolean {
  return db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
}

/** The switch needs the file for itself for a moment, and several processes may open a new file at once. */
function enterWal(db: DatabaseSync, path: string): void {
  let mode: unknown;
  retryBusy(ATTEMPTS, () => {
    mode = db.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode;
  });
  if (mode !== 'wal') throw unusable(path, 'lies on a file system without shared memory; use a local disk');
}

function migrate(db: DatabaseSync, table: Table, target: SchemaTarget): void {
  const existing = columnNames(db, table);
  if (existing.size === 0) {
    db.exec(createTable(table));
    for (const index of table.indexes) db.exec(index.sql);
    return;
  }

  const missing = table.columns.filter((column) => !existing.has(column.name));
  const { stale, fresh } = indexChanges(db, table);
  if (missing.length + stale.length + fresh.length === 0) return;

  for (const name of stale) db.exec(`DROP INDEX ${quoted(name)}`);
  for (const { name, sqlType } of missing)
    db.exec(`ALTER TABLE ${table.sqlName} ADD COLUMN ${name} ${sqlType}`);
  deriveColumns(db, table);
  db.prepare(`DELETE FROM ${table.sqlName} WHERE expires_at <= ?`).run(target.now);
  for (const index of fresh) build(db, { index, table, path: target.path });
}

function columnNames(db: DatabaseSync, table: Table): Set<string> {
  const rows = db.prepare('SELECT name FROM pragma_table_info(?)').all(table.name);
  return new Set(rows.map((row) => quoted(String(row.name))));
}

/** An index counts as the declared one if it was made by the same words. */
function indexChanges(db: DatabaseSync, table: Table): { stale: string[]; fresh: Index[] } {
  const rows = db
    .prepare(`SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL`)
    .all(table.name);
  const made = new Set(rows.map((row) => String(row.sql)));
  const declared = new Set(table.indexes.map((index) => index.sql));

  return {
    stale: rows.filter((row) => !declared.has(String(row.sql))).map((row) => String(row.name)),
    fresh: table.indexes.filter((index) => !made.has(index.sql)),
  };
}

/** Fills the columns of every row from its body. */
function deriveColumns(db: DatabaseSync, table: Table): void {
  const some = db.prepare(
    `SELECT rowid AS n, body FROM ${table.sqlName} WHERE rowid > ? ORDER BY rowid LIMIT ${BACKFILL_ROWS}`,
  );
  const assignments = table.columns.map((column) => `${column.name} = ?`).join(', ');
  const update = db.prepare(`UPDATE ${table.sqlName} SET ${assignments} WHERE rowid = ?`);

  let rows = some.all(-1);
  while (rows.length > 0) {
    for (const row of rows) update.run(...columnsOf(table, bodyOf(String(row.body))), Number(row.n));
    rows = some.all(rows.at(-1)?.n ?? null);
  }
}

function build(db: DatabaseSync, { index, table, path }: { index: Index; table: Table; path: string }): void {
  try {
    db.exec(index.sql);
  } catch (error) {
    if (primaryCode(error) !== SQLITE_CONSTRAINT) throw error;
    const same = `two records of ${table.name} have the same ${index.uniqueField}`;
    throw unusable(path, `cannot be used by this release: ${same}, which must be unique`, error);
  }
}
