// The two stores of a copy, opened beside the servers that may run on the one, and the change log of the driver.
import { existsSync } from 'node:fs';
import { readAddress } from '../mongo/address.ts';
import { isMongo, migrateStore, openMovingStore, storeFile } from '../open.ts';
import type { RecordType } from '../record-type.ts';
import { SqliteChangeLog } from '../sqlite/change-log.ts';
import { KnownIds } from '../sqlite/known-ids.ts';
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

/** Throws `conflict` where there is none. */
export async function openSource(options: SideOptions): Promise<SourceSide> {
  const name = sideName(options);
  if (!isMongo(options.url) && !existsSync(name)) throw refused(`there is no database at ${name}`);

  const store = await openMovingStore(options);
  try {
    const changes = await changeLogOf(options, store);
    const close = async () => {
      await changes.close();
      await store.close();
    };
    return { store, changes, name, close };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Throws `conflict` where it is the store that is copied. */
export async function openTarget(options: SideOptions, source?: Side): Promise<Side> {
  const name = sideName(options);
  if (name === source?.name) throw refused('a store cannot be copied to itself');

  // SQLite makes what it needs when it is opened.
  if (isMongo(options.url)) await migrateStore(options);
  const store = await openMovingStore(options);
  return { store, name, close: () => store.close() };
}

async function changeLogOf({ url, dataDir, types }: SideOptions, store: Store): Promise<ChangeLog> {
  const path = storeFile(url, dataDir);
  if (path !== undefined) return new SqliteChangeLog({ path, busyTimeoutMs: BUSY_TIMEOUT_MS }, types);

  const [{ connect }, { MongoChangeLog }] = await Promise.all([
    import('../mongo/connection.ts'),
    import('../mongo/change-log.ts'),
  ]);
  return new MongoChangeLog({ connection: await connect(url), store, types, known: new KnownIds() });
}

/** Throws for a store in memory, which nobody but its own process can reach. */
function sideName({ url, dataDir }: SideOptions): string {
  if (isMongo(url)) return readAddress(url).place;

  const file = storeFile(url, dataDir);
  if (file === undefined) throw refused('a store in memory cannot be copied');
  return file;
}
