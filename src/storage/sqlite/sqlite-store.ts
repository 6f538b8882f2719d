// The SQLite driver of the store: reads in the callers' thread, writes through one writer.
import assert from 'node:assert/strict';
import type { Clock } from '../../core/clock.ts';
import { DomainError } from '../../core/errors.ts';
import { storeIsMoving } from '../moves.ts';
import type { RecordType } from '../record-type.ts';
import type { CommitOutcome, Identified, ListOptions, Page, Store, WakeUpListener, Write } from '../store.ts';
import { WakeUps } from '../wake-ups.ts';
import {
  type DatabaseSettings,
  MEMORY,
  openReadOnly,
  openWritable,
  sentenceOf,
  unusable,
} from './database.ts';
import { makeFile } from './database-file.ts';
import { type Answer, commitJob, type Job } from './job.ts';
import { OtherProcesses } from './other-processes.ts';
import { Reader } from './reader.ts';
import { prepareSchema, type SchemaTarget } from './schema.ts';
import { type Table, tablesOf } from './table.ts';
import { memoryWriter, threadWriter, type Writer, type WriterOptions } from './writer.ts';

export interface SqliteOptions extends WriterOptions, DatabaseSettings {
  readonly types: readonly RecordType<object>[];
}

/** Records removed in one transaction of a sweep, so that commits need not wait long behind it. */
const SWEEP_BITE = 100;

export async function openSqlite(options: SqliteOptions): Promise<Store> {
  const { path, clock, types } = options;
  const settings: DatabaseSettings = { path, busyTimeoutMs: options.busyTimeoutMs };
  const target: SchemaTarget = { path, tables: tablesOf(types), now: clock.now() };

  try {
    return path === MEMORY
      ? openInMemory(settings, target, options)
      : await openFile(settings, target, options);
  } catch (error) {
    if (error instanceof DomainError) throw error;
    throw unusable(path, `cannot be opened: ${sentenceOf(error)}`, error);
  }
}

function openInMemory(settings: DatabaseSettings, target: SchemaTarget, options: SqliteOptions): Store {
  const db = openWritable(settings);
  prepareSchema(db, target);
  const writer = memoryWriter(db, target.tables, options);
  return new SqliteStore({
    clock: options.clock,
    tables: target.tables,
    reader: new Reader(db, options.clock),
    writer,
    wakeUps: new WakeUps(),
  });
}

async function openFile(
  settings: DatabaseSettings,
  target: SchemaTarget,
  options: SqliteOptions,
): Promise<Store> {
  makeFile(settings.path);
  const db = openWritable(settings);
  try {
    prepareSchema(db, target);
  } finally {
    db.close();
  }

  const readable = openReadOnly(settings);
  const writer = await threadWriter({ ...settings, types: options.types }, options).catch((error) => {
    readable.close();
    throw error;
  });
  const wakeUps = new WakeUps();
  return new SqliteStore({
    clock: options.clock,
    tables: target.tables,
    reader: new Reader(readable, options.clock),
    writer,
    wakeUps,
    others: new OtherProcesses(readable, writer, wakeUps),
  });
}

interface Parts {
  readonly clock: Clock;
  readonly tables: ReadonlyMap<string, Table>;
  readonly reader: Reader;
  readonly writer: Writer;
  readonly wakeUps: WakeUps;
  /** Absent where no other process can have the database. */
  readonly others?: OtherProcesses;
}

class SqliteStore implements Store {
  readonly clock: Clock;
  readonly #tables: ReadonlyMap<string, Table>;
  readonly #reader: Reader;
  readonly #writer: Writer;
  readonly #wakeUps: WakeUps;
  readonly #others: OtherProcesses | undefined;
  #closed: Promise<void> | undefined;

  constructor({ clock, tables, reader, writer, wakeUps, others }: Parts) {
    this.clock = clock;
    this.#tables = tables;
    this.#reader = reader;
    this.#writer = writer;
    this.#wakeUps = wakeUps;
    this.#others = others;
  }

  async get<Body extends object>(type: RecordType<Body>, id: string): Promise<Body | undefined> {
    return this.#read(() => this.#reader.get(this.#table(type), id)) as Body | undefined;
  }

  async find<Body extends object>(
    type: RecordType<Body>,
    field: keyof Body & string,
    value: string,
  ): Promise<Body | undefined> {
    return this.#read(() => this.#reader.find(this.#table(type), field, value)) as Body | undefined;
  }

  async list<Body extends object>(
    type: RecordType<Body>,
    index: string,
    value: string,
    options: ListOptions,
  ): Promise<Page<Body>> {
    return this.#read(() => this.#reader.list(this.#table(type), index, value, options)) as Page<Body>;
  }

  async scan<Body extends object>(
    type: RecordType<Body>,
    options: ListOptions,
  ): Promise<Page<Identified<Body>>> {
    return this.#read(() => this.#reader.scan(this.#table(type), options)) as Page<Identified<Body>>;
  }

  async commit(writes: readonly Write[]): Promise<CommitOutcome> {
    for (const { type } of writes) this.#table(type);
    if (writes.length === 0) return { committed: true };

    const answer = await this.#submit(commitJob(writes));
    assert(answer.kind === 'outcome', 'a commit is answered by its outcome');
    return answer.outcome;
  }

  async sweep(limit: number): Promise<number> {
    let swept = 0;
    let bite = Math.min(limit, SWEEP_BITE);
    while (bite > 0) {
      const answer = await this.#submit({ kind: 'sweep', limit: bite });
      assert(answer.kind === 'swept', 'a sweep is answered by its count');
      swept += answer.count;
      bite = answer.count < bite ? 0 : Math.min(limit - swept, SWEEP_BITE);
    }
    return swept;
  }

  notify(topic: string, key: string): void {
    this.#wakeUps.notify(topic, key);
    this.#others?.tell(topic, key);
  }

  subscribe(topic: string, listener: WakeUpListener): () => void {
    const end = this.#wakeUps.subscribe(topic, listener);
    this.#others?.listen();
    return () => {
      end();
      if (this.#wakeUps.isIdle) this.#others?.rest();
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** The writer goes last: whoever is the last on the file removes the log beside it. */
  async #close(): Promise<void> {
    this.#others?.close();
    await this.#writer.drain();
    this.#reader.close();
    await this.#writer.close();
  }

  async #submit(job: Job): Promise<Exclude<Answer, { kind: 'failed' | 'moving' }>> {
    const answer = await this.#writer.submit(job);
    if (answer.kind === 'moving') throw storeIsMoving();
    if (answer.kind === 'failed') throw new DomainError('store_unavailable', { detail: answer.detail });
    return answer;
  }

  /** What the caller did wrong is told as it is; everything else is the database's failure. */
  #read(read: () => unknown): unknown {
    try {
      return read();
    } catch (error) {
      if (error instanceof DomainError || error instanceof assert.AssertionError) throw error;
      throw new DomainError('store_unavailable', { detail: sentenceOf(error), cause: error });
    }
  }

  #table(type: RecordType<object>): Table {
    const table = this.#tables.get(type.name);
    assert(table !== undefined, `the store was opened without the record type "${type.name}"`);
    return table;
  }
}
