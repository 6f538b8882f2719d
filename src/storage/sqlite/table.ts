// The table of a record type. The record itself is JSON text in `body`; fields that the type declares as
// unique, indexed or ordered are repeated in columns of their own, derived from the body by `columnsOf` alone.
import assert from 'node:assert/strict';
import { type Body, valueAt } from '../body.ts';
import { keyText } from '../key-text.ts';
import type { RecordType } from '../record-type.ts';

export type ColumnValue = string | number | null;

interface Column {
  readonly name: string;
  readonly sqlType: 'TEXT' | 'REAL';
  valueOf(body: Body): ColumnValue;
}

export interface Index {
  readonly name: string;
  readonly sql: string;
  /** The field of a unique index, for the complaint when records cannot be made unique by it. */
  readonly uniqueField?: string;
}

export interface Table {
  readonly name: string;
  /** `name`, quoted. */
  readonly sqlName: string;
  readonly type: RecordType<object>;
  /** Everything beside `id` and `body`. */
  readonly columns: readonly Column[];
  readonly indexes: readonly Index[];
}

/** How an absent order value is stored: JSON cannot hold it, and it sorts before every number. */
const BEFORE_ALL = Number.NEGATIVE_INFINITY;

export function tablesOf(types: readonly RecordType<object>[]): ReadonlyMap<string, Table> {
  const tables = new Map(types.map((type) => [type.name, tableOf(type)]));
  assert(tables.size === types.length, 'two record types have the same name');
  return tables;
}

export function tableOf(type: RecordType<object>): Table {
  assert(/^(?!sqlite_)[a-z][a-z_]*$/.test(type.name), `"${type.name}" is no name for a record type`);

  const declared = Object.values(type.indexes);
  const keys = distinct([...type.unique, ...declared.map((index) => index.field)]);
  const orders = distinct(declared.flatMap((index) => index.orderBy ?? []));
  const columns = [...keys.map(keyColumn), ...orders.map(orderColumn), expiryColumn(type.expiresAt)];
  return { name: type.name, sqlName: quoted(type.name), type, columns, indexes: indexesOf(type) };
}

export function columnsOf(table: Table, body: Body): ColumnValue[] {
  return table.columns.map((column) => column.valueOf(body));
}

export function createTable({ sqlName, columns }: Table): string {
  const declared = columns.map((column) => `, ${column.name} ${column.sqlType}`).join('');
  return `CREATE TABLE ${sqlName} (id TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL${declared}) STRICT`;
}

/** What the unique or indexed field of this body is compared by; null where it holds no string. */
export function keyValue(body: Body, field: string): string | null {
  const value = valueAt(body, [field]);
  return typeof value === 'string' ? keyText(value) : null;
}

export function keyName(field: string): string {
  return quoted(`key_${field}`);
}

export function orderName(field: string): string {
  return quoted(`order_${field}`);
}

/** A name as it stands in SQL, whose own words (`grant`, `order`) may be names too. Only for checked names. */
export function quoted(name: string): string {
  return `"${name}"`;
}

function keyColumn(field: string): Column {
  return {
    name: keyName(checkedName(field)),
    sqlType: 'TEXT',
    valueOf: (body) => keyValue(body, field),
  };
}

function orderColumn(field: string): Column {
  return {
    name: orderName(checkedName(field)),
    sqlType: 'REAL',
    valueOf(body) {
      const value = valueAt(body, [field]);
      return typeof value === 'number' ? value : BEFORE_ALL;
    },
  };
}

/** Every table has this column; it stays empty where the type declares no expiry. */
function expiryColumn(field: string | undefined): Column {
  return {
    name: quoted('expires_at'),
    sqlType: 'REAL',
    valueOf(body) {
      const value = field === undefined ? undefined : valueAt(body, [field]);
      return typeof value === 'number' ? value : null;
    },
  };
}

/** All partial: a record without the field costs the index nothing. */
function indexesOf(type: RecordType<object>): Index[] {
  const unique = type.unique.map((field) => ({
    ...partialIndex(`${type.name}.unique.${field}`, type, [keyName(field)], 'UNIQUE '),
    uniqueField: field,
  }));
  const listed = Object.entries(type.indexes).map(([name, { field, orderBy }]) => {
    const order = orderBy === undefined ? [] : [orderName(orderBy)];
    return partialIndex(`${type.name}.list.${checkedName(name)}`, type, [keyName(field), ...order, 'id']);
  });
  const { expiresAt } = type;
  const expiry =
    expiresAt === undefined
      ? []
      : [partialIndex(`${type.name}.expiry.${expiresAt}`, type, [quoted('expires_at')])];
  return [...unique, ...listed, ...expiry];
}

function partialIndex(name: string, type: RecordType<object>, columns: string[], unique = ''): Index {
  const on = `${quoted(type.name)} (${columns.join(', ')})`;
  return { name, sql: `CREATE ${unique}INDEX ${quoted(name)} ON ${on} WHERE ${columns[0]} IS NOT NULL` };
}

function checkedName(field: string): string {
  assert(/^[A-Za-z][A-Za-z0-9_]*$/.test(field), `"${field}" is no name for a field or index`);
  return field;
}

/** SQLite's column names know no upper and lower case, so neither may two fields differ by it alone. */
function distinct(fields: readonly string[]): string[] {
  const names = [...new Set(fields)];
  const folded = new Set(names.map((name) => name.toLowerCase()));
  assert(folded.size === names.length, `the fields ${names.join(', ')} differ by upper and lower case alone`);
  return names;
}
