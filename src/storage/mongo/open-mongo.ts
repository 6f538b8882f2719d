// Opens a store on MongoDB, or prepares the database for one. Loaded only where the configuration names one.
import { MongoError } from 'mongodb';
import type { Clock } from '../../core/clock.ts';
import type { RecordType } from '../record-type.ts';
import type { Store } from '../store.ts';
import { type Connection, connect, unreachable } from './connection.ts';
import { createMongoStore } from './mongo-store.ts';
import { checkSchema, indexText, migrate } from './schema.ts';
import { serverClock } from './server-clock.ts';
import { SharedWakeUps, type WakeUpFeed } from './wake-up-stream.ts';

export interface MongoOptions {
  readonly url: string;
  readonly types: readonly RecordType<object>[];
  /** The server's time unless told. */
  readonly clock?: Clock | undefined;
  readonly waitingMax: number;
  /** The better one for the server unless told. */
  readonly wakeUps?: WakeUpFeed;
}

/** Throws `DomainError` with `store_unavailable`, whose detail is a sentence for the operator. */
export async function openMongo(options: MongoOptions): Promise<Store> {
  const connection = await connect(options.url);
  return working(connection, async () => {
    await checkSchema({ ...connection, types: options.types });
    return storeOn(connection, options);
  });
}

export interface MigrateOptions {
  readonly url: string;
  readonly types: readonly RecordType<object>[];
  readonly dropUnused: boolean;
}

/** What was done, and what could be, in sentences. */
export async function migrateMongo(options: MigrateOptions): Promise<{ done: string[]; unused: string[] }> {
  // Building an index on many records takes as long as it takes.
  const connection = await connect(options.url, { socketTimeoutMS: 0 });
  const migration = await working(connection, () =>
    migrate({ ...connection, types: options.types }, options),
  );
  await connection.client.close();

  const { collections, made, rebuilt, dropped, unused } = migration;
  return {
    done: [
      ...collections.map((name) => `Made the collection ${name}.`),
      ...made.map((index) => `Made ${indexText(index)}.`),
      ...rebuilt.map((index) => `Made ${indexText(index)} anew, which was another one.`),
      ...dropped.map((index) => `Dropped ${indexText(index)}.`),
      `The schema of ${connection.place} is that of this release.`,
    ],
    unused: unused.map(indexText),
  };
}

async function storeOn(connection: Connection, options: MongoOptions): Promise<Store> {
  const { client, db, isSharded, serverTime } = connection;
  const wakeUps = new SharedWakeUps(db, options.wakeUps ?? (isSharded ? 'poll' : 'stream'));
  const measured = options.clock === undefined ? await serverClock(serverTime) : undefined;

  async function close(): Promise<void> {
    measured?.stop();
    await wakeUps.close();
    await client.close();
  }

  const clock = options.clock ?? measured;
  return createMongoStore({
    client,
    db,
    clock,
    types: options.types,
    wakeUps,
    waitingMax: options.waitingMax,
    close,
  });
}

/** Leaves no connection behind where the work fails. */
async function working<Result>({ client, place }: Connection, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    await client.close();
    throw error instanceof MongoError ? unreachable(place, error) : error;
  }
}
