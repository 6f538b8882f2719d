// A whole server in this process, on a free port, with a clock that tests move and an empty store. Time
// stands still unless a test advances it.
import { randomBytes } from 'node:crypto';
import { createAccount } from '../../src/accounts/account.ts';
import type { ClientMetadata } from '../../src/clients/client.ts';
import type { Config } from '../../src/config/schema.ts';
import { createLog } from '../../src/core/log.ts';
import { recordTypes } from '../../src/records.ts';
import { createServer, type StrataServer } from '../../src/server.ts';
import { openStore } from '../../src/storage/open.ts';
import type { Store } from '../../src/storage/store.ts';
import { type CountingStore, countingStore } from './counting-store.ts';
import { type FaultyStore, faultyStore } from './faulty-store.ts';
import { type FaultPlan, harmlessFaults } from './faulty-store-plan.ts';
import { freePort } from './free-port.ts';
import { testClock } from './test-clock.ts';
import { type TestSettings, testConfig } from './test-config.ts';
import { emptyTestStore, startOfTestTime } from './test-store.ts';

export interface TestServer {
  origin: string;
  /** Another one after a restart. */
  readonly server: StrataServer;
  clock: ReturnType<typeof testClock>;
  /** The records, whatever goes wrong between them and the server. Counts what the server has asked. */
  readonly store: CountingStore;
  /** What the server sees of the records, with the faults that were planned. */
  readonly faults: FaultyStore;
  /** Every line of the log so far. */
  log: string[];
  /** Directory of the database file, where one was asked for. */
  dataDir: string;
  /** As `store.url` in the configuration. */
  storeUrl: string;
  addAccount(account?: {
    email?: string;
    name?: string;
  }): Promise<{ id: string; email: string; password: string }>;
  addClient(metadata: ClientMetadata): Promise<{ id: string; secret: string }>;
  /** Another process on the same records, at the same address and without the faults of the last one. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface TestServerOptions {
  /** Keep the store in a file instead of in memory; on MongoDB every store is one that others can reach. */
  file?: boolean;
  config?: TestSettings;
  /** Where the clock starts; real browsers drop cookies whose end their own clock has passed. */
  startMs?: number;
  /** Another process on the same database file: with its issuer and its clock, and closed before it. */
  beside?: TestServer;
  /** Other master secrets than that of all tests. */
  secrets?: Pick<Config, 'masterSecret' | 'previousMasterSecret'>;
  /** What goes wrong at the store from the start; `TestServer.faults` takes other plans later. */
  faults?: FaultPlan;
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const { beside } = options;
  const place = beside ? { url: beside.storeUrl, dataDir: beside.dataDir } : await emptyTestStore(options);
  const { dataDir } = place;
  const clock = beside?.clock ?? testClock(options.startMs ?? startOfTestTime());
  const log: string[] = [];
  const issuer = beside?.server.issuer ?? origin;
  const settings = testConfig({ issuer, listen: { port }, dataDir, ...options.config });
  const config = { ...settings, ...options.secrets };
  const opened = await openStore({
    ...place,
    clock,
    types: recordTypes,
  });
  const store = countingStore(opened);
  let faults = faultyStore(withHarmlessFaults(store), options.faults);
  let server = await started();

  async function started(): Promise<StrataServer> {
    const made = await createServer(config, {
      clock,
      store: faults,
      // Nothing happens but what the test does: `server.sweep()` is its to call.
      background: false,
      log: createLog({ level: 'trace', destination: { write: (line) => void log.push(line) } }),
    });
    await made.listen();
    return made;
  }

  return {
    origin,
    get server() {
      return server;
    },
    clock,
    store,
    get faults() {
      return faults;
    },
    log,
    dataDir,
    storeUrl: place.url,
    addAccount: (account = {}) => addAccount(server, account),
    addClient: async (metadata) => {
      const { client, secret = '' } = await server.clients.create(metadata);
      return { id: client.id, secret };
    },
    restart: async () => {
      await server.close(0);
      faults = faultyStore(withHarmlessFaults(store));
      server = await started();
    },
    close: async () => {
      await server.close();
      await opened.close();
      if (!('remove' in place)) return;
      await place.remove();
      clock.restore();
    },
  };
}

/** Whole suites are run with what STRATA_TEST_FAULTS names, which must not make a difference to any test. */
function withHarmlessFaults(store: Store): Store {
  return faultyStore(store, harmlessFaults(process.env.STRATA_TEST_FAULTS));
}

async function addAccount(server: StrataServer, account: { email?: string; name?: string }) {
  const password = randomBytes(12).toString('base64url');
  const email = account.email ?? `${randomBytes(6).toString('hex')}@example.com`;
  const outcome = await createAccount(server, {
    name: account.name ?? 'Test',
    email,
    emailVerified: true,
    passwordHash: await server.passwords.hash(password),
  });
  if (outcome.kind !== 'created') throw new Error(`the account could not be made: ${outcome.kind}`);
  return { id: outcome.account.id, email, password };
}
