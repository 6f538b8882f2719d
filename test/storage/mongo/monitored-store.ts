// A store on MongoDB whose talk with the server is listened to.
import type { CommandStartedEvent, MongoClient } from 'mongodb';
import { connect } from '../../../src/storage/mongo/connection.ts';
import { createMongoStore, type MongoStoreParts } from '../../../src/storage/mongo/mongo-store.ts';
import type { RecordType } from '../../../src/storage/record-type.ts';
import type { Store } from '../../../src/storage/store.ts';
import { WakeUps } from '../../../src/storage/wake-ups.ts';
import { preparedDatabase } from '../../support/mongo.ts';

export interface MonitoredStore {
  readonly store: Store;
  readonly client: MongoClient;
  readonly clock: { ms: number; now(): number };
  /** The commands that the work sends, in their order. */
  sentBy(work: () => Promise<unknown>): Promise<CommandStartedEvent[]>;
  dispose(): Promise<void>;
}

interface MonitoredOptions extends Pick<MongoStoreParts, 'commitBudgetMs'> {
  readonly types: readonly RecordType<object>[];
  /** By which the server knows this client, for failures that are to happen to no other. */
  readonly appName?: string;
  /** What stands between the store and the server. */
  readonly through?: (url: string) => Promise<string>;
}

/** Years ahead of the server, whose broom shall not find anything expired. */
export const START_MS = Date.UTC(2100, 0, 1);

export async function monitoredStore(options: MonitoredOptions): Promise<MonitoredStore> {
  const { types, appName, commitBudgetMs, through = async (url) => url } = options;
  const database = await preparedDatabase(types);
  const { client, db } = await connect(await through(database.url), {
    monitorCommands: true,
    ...(appName !== undefined && { appName }),
  });

  const clock = { ms: START_MS, now: () => clock.ms };
  const hub = new WakeUps();
  const store = createMongoStore({
    client,
    db,
    clock,
    types,
    waitingMax: 1_000,
    ...(commitBudgetMs !== undefined && { commitBudgetMs }),
    wakeUps: {
      notify: (topic, key) => hub.notify(topic, key),
      subscribe: (topic, listener) => hub.subscribe(topic, listener),
      close: async () => undefined,
    },
    close: () => client.close(),
  });

  async function sentBy(work: () => Promise<unknown>): Promise<CommandStartedEvent[]> {
    const sent: CommandStartedEvent[] = [];
    const hear = (event: CommandStartedEvent) => sent.push(event);
    client.on('commandStarted', hear);
    await work();
    client.off('commandStarted', hear);
    return sent;
  }

  async function dispose(): Promise<void> {
    await store.close();
    await database.drop();
  }

  return { store, client, clock, sentBy, dispose };
}
