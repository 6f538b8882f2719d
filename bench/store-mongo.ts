// The MongoDB of MONGODB_URI: a database of its own for this run, what commands each operation sends there, and
// whether the server is one whose times mean anything.
import { randomBytes } from 'node:crypto';
import { type CommandStartedEvent, MongoClient } from 'mongodb';
import { systemClock } from '../src/core/clock.ts';
import { recordTypes } from '../src/records.ts';
import { connect } from '../src/storage/mongo/connection.ts';
import { createMongoStore } from '../src/storage/mongo/mongo-store.ts';
import { migrateStore } from '../src/storage/open.ts';
import type { Store } from '../src/storage/store.ts';
import { runSlice } from './store-measure.ts';
import type { StoreOperation } from './store-operations.ts';
import { populate } from './store-population.ts';

export interface BenchDatabase {
  readonly url: string;
  /** As the server tells it. */
  readonly version: string;
  /** A server that only speaks MongoDB's protocol: what it takes says nothing about MongoDB. */
  readonly isStandIn: boolean;
  drop(): Promise<void>;
}

export interface CommandCounts {
  operation: string;
  /** Commands per call, by name. */
  commands: Record<string, number>;
}

const COUNTED_RECORDS = 1_000;
const COUNTED_CALLS = 20;
const WAITING_MAX = 10_000;
/** What the driver sends for itself. */
const HOUSEKEEPING = new Set(['hello', 'ping', 'endSessions']);

export async function benchDatabase(uri: string): Promise<BenchDatabase> {
  const url = withDatabase(uri, `strata_bench_${randomBytes(6).toString('hex')}`);
  await migrateStore({ url, dataDir: '', types: recordTypes });
  const buildInfo = await onServer(url, (client) => client.db('admin').command({ buildInfo: 1 }));
  return {
    url,
    version: String(buildInfo.version),
    isStandIn: Object.keys(buildInfo).some((key) => key.startsWith('secantus')),
    async drop() {
      await onServer(url, (client) => client.db().dropDatabase());
    },
  };
}

export async function countCommands(
  { url }: BenchDatabase,
  operations: readonly StoreOperation[],
): Promise<CommandCounts[]> {
  const { store, seen } = await watchedStore(url);
  try {
    const population = await populate(store, COUNTED_RECORDS);
    const counts: CommandCounts[] = [];
    for (const operation of operations) {
      const steps = await operation.prepare({ store, population }, COUNTED_CALLS);
      seen.length = 0;
      await runSlice(steps, 1);
      counts.push({ operation: operation.name, commands: perCall(seen) });
    }
    return counts;
  } finally {
    await store.close();
  }
}

/** The product's driver on a connection that tells of each command; without the feed of wake-ups beside it. */
async function watchedStore(url: string): Promise<{ store: Store; seen: string[] }> {
  const { client, db } = await connect(url, { monitorCommands: true });
  const seen: string[] = [];
  client.on('commandStarted', ({ commandName }: CommandStartedEvent) => {
    if (!HOUSEKEEPING.has(commandName)) seen.push(commandName);
  });
  const wakeUps = { notify: () => undefined, subscribe: () => () => undefined, close: async () => undefined };
  const store = createMongoStore({
    client,
    db,
    clock: systemClock(),
    types: recordTypes,
    wakeUps,
    waitingMax: WAITING_MAX,
    close: () => client.close(),
  });
  return { store, seen };
}

function perCall(seen: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of seen) counts.set(name, (counts.get(name) ?? 0) + 1 / COUNTED_CALLS);
  return Object.fromEntries(counts);
}

async function onServer<Answer>(url: string, ask: (client: MongoClient) => Promise<Answer>): Promise<Answer> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 5_000 });
  try {
    return await ask(client);
  } finally {
    await client.close();
  }
}

/** Who signs in goes on doing so where the address says. */
function withDatabase(uri: string, name: string): string {
  const [, server, database, options = ''] =
    /^(mongodb(?:\+srv)?:\/\/[^/?]+)\/?([^?]*)\??(.*)$/.exec(uri) ?? [];
  if (server === undefined) throw new Error('MONGODB_URI is no address of a MongoDB');

  const parameters = new URLSearchParams(options);
  if (server.includes('@') && !parameters.has('authSource')) {
    parameters.set('authSource', database || 'admin');
  }
  return `${server}/${name}?${parameters}`;
}
