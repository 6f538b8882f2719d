// The two stores of a copy, opened beside the servers that may run on the one, and the change log of the driver.
import { DomainError } from '../../core/errors.ts';
import { openMovingStore, storeFile } from '../open.ts';
import type { RecordType } from '../record-type.ts';
import { SqliteChangeLog } from '../sqlite/change-log.ts';
import type { Store } from '../store.ts';
import type { ChangeLog } from './change-log.ts';

export interface SideOptions {
  readonly url: string;
  readonly dataDir: string;
  readonly types: readonly RecordType<object>[];
}

export interface Side {
  readonly store: Store;
  /** What sentences call it: where it is, without what lets one in. */
  readonly name: string;
  close(): Promise<void>;
}

export interface SourceSide extends Side {
  readonly changes: ChangeLog;
}

const BUSY_TIMEOUT_MS = 5_000;

export async function openTarget(options: SideOptions): Promise<Side> {
  const store = await openMovingStore(options);
  return { store, name: sideName(options), close: () => store.close() };
}

export async function openSource(options: SideOptions): Promise<SourceSide> {
  const store = await openMovingStore(options);
  const changes = changeLogOf(options);
  const close = async () => {
    await changes.close();
    await store.close();
  };
  return { store, changes, name: sideName(options), close };
}

function changeLogOf({ url, dataDir, types }: SideOptions): ChangeLog {
  return new SqliteChangeLog({ path: fileOf(url, dataDir), busyTimeoutMs: BUSY_TIMEOUT_MS }, types);
}

function sideName({ url, dataDir }: SideOptions): string {
  return fileOf(url, dataDir);
}

/** Throws for a store in memory, which nobody but its own process can reach. */
function fileOf(url: string, dataDir: string): string {
  const file = storeFile(url, dataDir);
  if (file !== undefined) return file;
  throw new DomainError('conflict', { detail: 'a store in memory cannot be copied' });
}
