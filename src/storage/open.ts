// Opens the store that the configuration names. The only place that knows which drivers there are.
import { resolve } from 'node:path';
import { type Clock, systemClock } from '../core/clock.ts';
import { DomainError } from '../core/errors.ts';
import type { RecordType } from './record-type.ts';
import { MEMORY } from './sqlite/database.ts';
import { openSqlite } from './sqlite/sqlite-store.ts';
import type { Store } from './store.ts';

export interface OpenStoreOptions {
  /** `sqlite:NAME`, relative to `dataDir` or absolute, or `sqlite::memory:`. */
  readonly url: string;
  readonly dataDir: string;
  /** The time that is judged by, in tests; unless told, the one that everyone on the store goes by. */
  readonly clock?: Clock | undefined;
  /** Every record type that will be read or written; their tables and indexes are made where missing. */
  readonly types: readonly RecordType<object>[];
  /** Commits that may wait for the disk at once; more are refused as `overloaded`. 10,000 unless told. */
  readonly waitingMax?: number;
  /** How long one attempt waits while another process writes, in milliseconds. 5,000 unless told. */
  readonly busyTimeoutMs?: number;
  /** Told once when the store is lost for good and the process had better end. */
  readonly onFatal?: ((error: DomainError) => void) | undefined;
}

const MEMORY_URL = 'sqlite::memory:';

/** Throws `DomainError` with `store_unavailable`, whose detail is a sentence for the operator. */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  return openSqlite({
    path: storeFile(options.url, options.dataDir) ?? MEMORY,
    clock: options.clock ?? systemClock(),
    types: options.types,
    waitingMax: options.waitingMax ?? 10_000,
    busyTimeoutMs: options.busyTimeoutMs ?? 5_000,
    onFatal: options.onFatal ?? (() => undefined),
  });
}

/** The file that the URL names; undefined for a store in memory. */
export function storeFile(url: string, dataDir: string): string | undefined {
  if (url === MEMORY_URL) return undefined;
  if (/^mongodb(\+srv)?:/.test(url)) throw refused('MongoDB is not part of this release; use sqlite:NAME');

  const name = /^sqlite:(.+)$/.exec(url)?.[1];
  if (name === undefined) throw refused('the store is named as sqlite:NAME or sqlite::memory:');
  return resolve(dataDir, name);
}

function refused(detail: string): DomainError {
  return new DomainError('store_unavailable', { detail });
}
