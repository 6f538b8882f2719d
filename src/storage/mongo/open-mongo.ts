// Opens a store on MongoDB. Loaded only where the configuration names one.
import assert from 'node:assert/strict';
import type { Clock } from '../../core/clock.ts';
import type { RecordType } from '../record-type.ts';
import type { Store } from '../store.ts';
import { type Connection, closedOnFailure, connect } from './connection.ts';
import { freezableStore } from './frozen.ts';
import { createMongoStore } from './mongo-store.ts';
import { moveGate } from './move-gate.ts';
import { checkSchema } from './schema.ts';
import { serverClock } from './server-clock.ts';
import { SharedWakeUps, type WakeUpFeed } from './wake-up-stream.ts';

export interface MongoOptions {
  readonly url: string;
  readonly types: readonly RecordType<object>[];
  /** The server's time unless told. */
  readonly clock?: Clock | undefined;
  readonly waitingMax: number;
  /** Whether commits ask first if the store is being moved: for everybody but who moves it. */
  readonly gated: boolean;
  /** The better one for the server unless told. */
  readonly wakeUps?: WakeUpFeed;
}

/** Throws `DomainError` with `store_unavailable`, whose detail is a sentence for the operator. */
export async function openMongo(options: MongoOptions): Promise<Store> {
  const connection = await connect(options.url);
  return closedOnFailure(connection, async () => {
    await checkSchema({ ...connection, types: options.types });
    return storeOn(connection, options);
  });
}

async function storeOn(connection: Connection, options: MongoOptions): Promise<Store> {
  const { client, db, isSharded, serverTime } = connection;
  const { types, waitingMax } = options;
  const wakeUps = new SharedWakeUps(db, options.wakeUps ?? (isSharded ? 'poll' : 'stream'));
  const measured = options.clock ? undefined : await serverClock(serverTime);
  const clock = options.clock ?? measured;
  assert(clock !== undefined, 'a store has a clock');

  async function close(): Promise<void> {
    measured?.stop();
    await client.close();
  }

  const gate = options.gated ? moveGate(freezableStore(db), clock) : undefined;
  return createMongoStore({ client, db, clock, types, wakeUps, waitingMax, close, ...(gate && { gate }) });
}
