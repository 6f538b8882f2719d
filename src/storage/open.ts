// Opens the store that the configuration names. The only place that knows which drivers there are.
import { resolve } from 'node:path';
import { type Clock, systemClock } from '../core/clock.ts';
import { DomainError } from '../core/errors.ts';
import { refuseMoving, storeMoves } from './moves.ts';
import type { RecordType } from './record-type.ts';
import { MEMORY } from './sqlite/database.ts';
import { openSqlite } from './sqlite/sqlite-store.ts';
import type { Store } from './store.ts';

export interface OpenStoreOptions {
  /** `sqlite:NAME`, relative to `dataDir` or absolute, `sqlite::memory:`, or `mongodb://SERVER/DATABASE`. */
  readonly url: string;
  readonly dataDir: string;
  /** The time that is judged by, in tests; unless told, the one that everyone on the store goes by. */
  readonly clock?: Clock | undefined;
  /**
   * Every record type that will be read or written. SQLite makes their tables and indexes where missing, and
   * MongoDB refuses to open without them: `migrateStore` makes them there.
   */
  readonly types: readonly RecordType<object>[];
  /** Commits that may wait for the disk at once; more are refused as `overloaded`. 10,000 unless told. */
  readonly waitingMax?: number;
  /** SQLite: bytes of JSON text in those commits, likewise. 64 MiB unless told. */
  readonly waitingBytesMax?: number;
  /** How long one attempt waits while another process writes, in milliseconds. 5,000 unless told. */
  readonly busyTimeoutMs?: number;
  /** Told once when the store is lost for good and the process had better end. */
  readonly onFatal?: ((error: DomainError) => void) | undefined;
}

const MEMORY_URL = 'sqlite::memory:';
const WAITING_MAX = 10_000;
const WAITING_BYTES_MAX = 64 * 2 ** 20;

/** Throws `DomainError` with `store_unavailable`, whose detail is a sentence for the operator. */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const store = await openAny(options, { gated: true });
  try {
    await refuseMoving(store);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The same for those who move stores: opens half a copy, too, and what was left behind. */
export async function openMovingStore(options: OpenStoreOptions): Promise<Store> {
  return openAny(options, { gated: false });
}

async function openAny(options: OpenStoreOptions, { gated }: { gated: boolean }): Promise<Store> {
  const { url, dataDir, clock, waitingMax = WAITING_MAX } = options;
  const types = [...options.types, storeMoves];
  if (isMongo(url)) {
    // Not before: the driver is large, and most never need it.
    const { openMongo } = await import('./mongo/open-mongo.ts');
    return openMongo({ url, clock, types, waitingMax, gated });
  }

  return openSqlite({
    path: storeFile(url, dataDir) ?? MEMORY,
    clock: clock ?? systemClock(),
    types,
    waitingMax,
    waitingBytesMax: options.waitingBytesMax ?? WAITING_BYTES_MAX,
    busyTimeoutMs: options.busyTimeoutMs ?? 5_000,
    onFatal: options.onFatal ?? (() => undefined),
  });
}

export interface MigrateStoreOptions extends Pick<OpenStoreOptions, 'url' | 'dataDir' | 'types'> {
  /** Whether indexes go that this release has no use for. No process of an older release may run then. */
  readonly dropUnused?: boolean;
}

/** What a migration did or found, in sentences for the operator. */
export interface StoreMigration {
  readonly done: readonly string[];
  /** What may be dropped, and was not. */
  readonly unused: readonly string[];
}

/**
 * Prepares the store for this release; servers of the release before may run on it meanwhile. Throws
 * `DomainError` with `store_unavailable`, whose detail is a sentence for the operator.
 */
export async function migrateStore(options: MigrateStoreOptions): Promise<StoreMigration> {
  const { url, dataDir, types, dropUnused = false } = options;
  if (isMongo(url)) {
    const { migrateMongo } = await import('./mongo/migrate-mongo.ts');
    return migrateMongo({ url, types, dropUnused });
  }

  // Opening is all that it takes there.
  await (await openStore({ url, dataDir, types })).close();
  const file = storeFile(url, dataDir);
  return { done: file === undefined ? [] : [`The database file ${file} is ready.`], unused: [] };
}

/** The file that the URL names; undefined where there is none. */
export function storeFile(url: string, dataDir: string): string | undefined {
  if (isInMemory(url) || isMongo(url)) return undefined;

  const name = /^sqlite:(.+)$/.exec(url)?.[1];
  if (name === undefined) throw refused('the store is named as sqlite:NAME or mongodb://SERVER/DATABASE');
  return resolve(dataDir, name);
}

/** Whether nobody but this process can reach the store. */
export function isInMemory(url: string): boolean {
  return url === MEMORY_URL;
}

export function isMongo(url: string): boolean {
  return /^mongodb(\+srv)?:/.test(url);
}

function refused(detail: string): DomainError {
  return new DomainError('store_unavailable', { detail });
}
