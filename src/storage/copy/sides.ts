// The two stores of a copy, opened beside the servers that may run on the one, and the change log of the driver.
import { existsSync } from 'node:fs';
import { openMovingStore, storeFile } from '../open.ts';
import type { RecordType } from '../record-type.ts';
import { SqliteChangeLog } from '../sqlite/change-log.ts';
import type { Store } from '../store.ts';
import type { ChangeLog } from './change-log.ts';
import { refused } from './claim.ts';

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

/** Throws `conflict` where it is the store that is copied. */
export async function openTarget(options: SideOptions, source?: Side): Promise<Side> {
  if (sideName(options) === source?.name) throw refused('a store cannot be copied to itself');

  const store = await openMovingStore(options);
  return { store, name: sideName(options), close: () => store.close() };
}

/** Throws `conflict` where there is none. */
export async function openSource(options: SideOptions): Promise<SourceSide> {
  const file = fileOf(options);
  if (!existsSync(file)) throw refused(`there is no database at ${file}`);

  const store = await openMovingStore(options);
  const changes = changeLogOf(options);
  const close = async () => {
    await changes.close();
    await store.close();
  };
  return { store, changes, name: sideName(options), close };
}

function changeLogOf(options: SideOptions): ChangeLog {
  return new SqliteChangeLog({ path: fileOf(options), busyTimeoutMs: BUSY_TIMEOUT_MS }, options.types);
}

function sideName(options: SideOptions): string {
  return fileOf(options);
}

/** Throws for a store in memory, which nobody but its own process can reach. */
function fileOf({ url, dataDir }: SideOptions): string {
  const file = storeFile(url, dataDir);
  if (file === undefined) throw refused('a store in memory cannot be copied');
  return file;
}
