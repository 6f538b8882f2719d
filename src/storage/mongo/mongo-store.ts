// The MongoDB driver of the store: conditional statements and transactions on a replica set or a sharded
// cluster. What it knows of the server is in the parts it is made of.
import assert from 'node:assert/strict';
import type { Db, MongoClient } from 'mongodb';
import type { Clock } from '../../core/clock.ts';
import { DomainError } from '../../core/errors.ts';
import { encodedWrites } from '../encoded-write.ts';
import type { RecordType } from '../record-type.ts';
import type { CommitOutcome, Identified, ListOptions, Page, Store, WakeUpListener, Write } from '../store.ts';
import { CommitQueue } from './commit-queue.ts';
import { type Committing, commitWrites } from './committing.ts';
import { storeFailure } from './failures.ts';
import { isRefusedByMove } from './frozen.ts';
import { type Kind, type KindWrite, kindsOf } from './kind.ts';
import type { MoveGate } from './move-gate.ts';
import { Reader } from './reader.ts';

export interface MongoStoreParts {
  /** Its writes must be retryable, so that one whose answer was lost still tells who won. */
  readonly client: MongoClient;
  readonly db: Db;
  readonly clock: Clock;
  readonly types: readonly RecordType<object>[];
  readonly wakeUps: {
    notify(topic: string, key: string): void;
    subscribe(topic: string, listener: WakeUpListener): () => void;
    close(): Promise<void>;
  };
  /** Whether commits are taken; for servers, which may be told of a move. Always, unless told. */
  readonly gate?: MoveGate;
  /** Commits that may be under way or wait at once; more are refused as `overloaded`. */
  readonly waitingMax: number;
  /** How long a commit waits for its turn, and then tries while others are in its way, in ms. 10,000 unless told. */
  readonly commitBudgetMs?: number;
  /** Lets go of the connections; called once, when nothing is under way any more. */
  close(): Promise<void>;
}

const COMMIT_BUDGET_MS = 10_000;
/** Of the driver's connections, so that reads need not wait behind a burst of commits. */
const COMMITS_SHARE = 0.75;
/** Where the driver's pool has no limit. */
const COMMITS_AT_ONCE = 100;

export function createMongoStore(parts: MongoStoreParts): Store {
  return new MongoStore(parts);
}

class MongoStore implements Store {
  readonly clock: Clock;
  readonly #parts: MongoStoreParts;
  readonly #kinds: ReadonlyMap<string, Kind>;
  readonly #reader: Reader;
  readonly #queue: CommitQueue;
  readonly #committing: Committing;
  /** What was asked and has no answer yet. */
  readonly #underWay = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  constructor(parts: MongoStoreParts) {
    const { clock, client, waitingMax } = parts;
    this.clock = clock;
    this.#parts = parts;
    this.#kinds = kindsOf(parts.db, parts.types);
    this.#reader = new Reader(clock);
    const { gate, commitBudgetMs = COMMIT_BUDGET_MS } = parts;
    this.#committing = { client, clock, budgetMs: commitBudgetMs, enter: async () => gate?.enter() };
    const atOnce = commitsAtOnce(client.options.maxPoolSize);
    this.#queue = new CommitQueue({ waitingMax, atOnce, waitMaxMs: commitBudgetMs });
  }

  get<Body extends object>(type: RecordType<Body>, id: string): Promise<Body | undefined> {
    return this.#run(() => this.#reader.get(this.#kind(type.name), id)) as Promise<Body | undefined>;
  }

  find<Body extends object>(
    type: RecordType<Body>,
    field: keyof Body & string,
    value: string,
  ): Promise<Body | undefined> {
    return this.#run(() => this.#reader.find(this.#kind(type.name), field, value)) as Promise<
      Body | undefined
    >;
  }

  list<Body extends object>(
    type: RecordType<Body>,
    index: string,
    value: string,
    options: ListOptions,
  ): Promise<Page<Body>> {
    const page = this.#run(() => this.#reader.list(this.#kind(type.name), index, value, options));
    return page as Promise<Page<unknown>> as Promise<Page<Body>>;
  }

  scan<Body extends object>(type: RecordType<Body>, options: ListOptions): Promise<Page<Identified<Body>>> {
    const page = this.#run(() => this.#reader.scan(this.#kind(type.name), options));
    return page as Promise<Page<Identified<unknown>>> as Promise<Page<Identified<Body>>>;
  }

  /** Spelt out at once: what the caller does to the objects afterwards changes nothing. */
  commit(writes: readonly Write[]): Promise<CommitOutcome> {
    return this.#run(async () => {
      const work = encodedWrites(writes).map((write) => ({ write, kind: this.#kind(write.type) }));
      return this.#queue.run(() => this.#commit(work));
    });
  }

  /** The database removes by itself what has expired. */
  sweep(_limit: number): Promise<number> {
    return this.#run(async () => 0);
  }

  notify(topic: string, key: string): void {
    this.#parts.wakeUps.notify(topic, key);
  }

  subscribe(topic: string, listener: WakeUpListener): () => void {
    return this.#parts.wakeUps.subscribe(topic, listener);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #commit(work: readonly KindWrite[]): Promise<CommitOutcome> {
    try {
      return await commitWrites(this.#committing, work);
    } catch (error) {
      if (isRefusedByMove(error)) await this.#parts.gate?.refused();
      throw error;
    }
  }

  async #close(): Promise<void> {
    this.#parts.gate?.close();
    await Promise.allSettled(this.#underWay);
    await this.#parts.wakeUps.close();
    await this.#parts.close();
  }

  async #run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#closed !== undefined) throw closed();

    const running = work();
    this.#underWay.add(running);
    try {
      return await running;
    } catch (error) {
      throw storeFailure(error);
    } finally {
      this.#underWay.delete(running);
    }
  }

  #kind(name: string): Kind {
    const kind = this.#kinds.get(name);
    assert(kind !== undefined, `the store was opened without the record type "${name}"`);
    return kind;
  }
}

function commitsAtOnce(connections: number): number {
  return connections === 0 ? COMMITS_AT_ONCE : Math.max(1, Math.floor(connections * COMMITS_SHARE));
}

function closed(): DomainError {
  return new DomainError('store_unavailable', { detail: 'the store is closed' });
}
