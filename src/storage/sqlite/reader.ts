// Reads. They run in the callers' thread on a connection of their own, beside the writer: each statement sees
// all that was committed before it began. A record past its expiry is not there, swept or not.
import assert from 'node:assert/strict';
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { Clock } from '../../core/clock.ts';
import { cursorText, readCursor } from '../cursor.ts';
import { keyText, keyValueOf } from '../key-text.ts';
import { pageLimit } from '../page-limit.ts';
import type { Identified, ListOptions, Page } from '../store.ts';

import { keyName, orderName, type Table } from './table.ts';

const LIVE = '(expires_at IS NULL OR expires_at > ?)';

type Row = Record<string, SQLOutputValue>;

/** The rows that a page is cut from. */
interface Listing {
  readonly table: Table;
  /** Only those whose indexed field has this value. */
  readonly only?: { readonly field: string; readonly value: string };
  readonly orderBy?: string | undefined;
}

export class Reader {
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(db: DatabaseSync, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  close(): void {
    this.#db.close();
  }

  get(table: Table, id: string): unknown {
    const sql = `SELECT body FROM ${table.sqlName} WHERE id = ? AND ${LIVE}`;
    const row = this.#prepare(sql).get(keyText(id), this.#clock.now());
    return row && recordIn(row);
  }

  find(table: Table, field: string, value: string): unknown {
    assert(table.type.unique.includes(field), `"${field}" is no unique field of ${table.name}`);

    const sql = `SELECT body FROM ${table.sqlName} WHERE ${keyName(field)} = ? AND ${LIVE}`;
    const row = this.#prepare(sql).get(keyText(value), this.#clock.now());
    return row && recordIn(row);
  }

  list(table: Table, index: string, value: string, options: ListOptions): Page<unknown> {
    const declared = Object.hasOwn(table.type.indexes, index) ? table.type.indexes[index] : undefined;
    assert(declared !== undefined, `"${index}" is no index of ${table.name}`);

    const { field, orderBy } = declared;
    return this.#page({ table, only: { field, value: keyText(value) }, orderBy }, options, recordIn);
  }

  scan(table: Table, options: ListOptions): Page<Identified<unknown>> {
    return this.#page({ table }, options, (row) => ({ id: keyValueOf(String(row.id)), body: recordIn(row) }));
  }

  /** Asks for one row more than the page holds, to know whether another page follows. */
  #page<Entry>(
    listing: Listing,
    { after, newestFirst = false, ...options }: ListOptions,
    entryOf: (row: Row) => Entry,
  ): Page<Entry> {
    const limit = pageLimit(options);
    const cursor = after === undefined ? undefined : readCursor(after, listing.orderBy !== undefined);

    const sql = pageSql(listing, { continued: cursor !== undefined, newestFirst });
    const values = [...(listing.only ? [listing.only.value] : []), this.#clock.now(), ...(cursor ?? [])];
    const rows = this.#prepare(sql).all(...values, limit + 1);

    const last = rows.length > limit ? rows[limit - 1] : undefined;
    const records = rows.slice(0, limit).map(entryOf);
    return last === undefined ? { records } : { records, next: cursorOf(last) };
  }

  #prepare(sql: string): StatementSync {
    const prepared = this.#prepared.get(sql) ?? this.#db.prepare(sql);
    this.#prepared.set(sql, prepared);
    return prepared;
  }
}

function pageSql(
  { table, only, orderBy }: Listing,
  { continued, newestFirst }: { continued: boolean; newestFirst: boolean },
): string {
  const places = orderBy === undefined ? ['id'] : [orderName(orderBy), 'id'];
  const beyond = `(${places.join(', ')}) ${newestFirst ? '<' : '>'} (${places.map(() => '?').join(', ')})`;
  const where = [...(only ? [`${keyName(only.field)} = ?`] : []), LIVE, ...(continued ? [beyond] : [])];
  const order = places.map((place) => `${place} ${newestFirst ? 'DESC' : 'ASC'}`);
  const place = orderBy === undefined ? '' : `, ${orderName(orderBy)} AS place`;

  return `SELECT body, id${place} FROM ${table.sqlName} WHERE ${where.join(' AND ')} ORDER BY ${order.join(', ')} LIMIT ?`;
}

function cursorOf({ place, id }: Row): string {
  return cursorText({ ...(place !== undefined && { place: Number(place) }), key: String(id) });
}

function recordIn(row: Row): unknown {
  return JSON.parse(String(row.body));
}
