// A whole server in this process, on a free port, with a clock that tests move and an empty store. Time
// stands still unless a test advances it.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAccount } from '../../src/accounts/account.ts';
import type { ClientMetadata } from '../../src/clients/client.ts';
import { createLog } from '../../src/core/log.ts';
import { recordTypes } from '../../src/records.ts';
import { createServer, type StrataServer } from '../../src/server.ts';
import { openStore } from '../../src/storage/open.ts';
import { type CountingStore, countingStore } from './counting-store.ts';
import { freePort } from './free-port.ts';
import { testClock } from './test-clock.ts';
import { type TestSettings, testConfig } from './test-config.ts';

export interface TestServer {
  origin: string;
  server: StrataServer;
  clock: ReturnType<typeof testClock>;
  store: CountingStore;
  /** Every line of the log so far. */
  log: string[];
  /** Directory of the database file, where one was asked for. */
  dataDir: string;
  addAccount(account?: {
    email?: string;
    name?: string;
  }): Promise<{ id: string; email: string; password: string }>;
  addClient(metadata: ClientMetadata): Promise<{ id: string; secret: string }>;
  close(): Promise<void>;
}

export interface TestServerOptions {
  /** Keep the store in a file instead of in memory. */
  file?: boolean;
  config?: TestSettings;
  /** Where the clock starts; real browsers drop cookies whose end their own clock has passed. */
  startMs?: number;
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const dataDir = await mkdtemp(join(tmpdir(), 'strata-test-'));
  const clock = testClock(options.startMs);
  const log: string[] = [];
  const config = testConfig({ issuer: origin, listen: { port }, dataDir, ...options.config });
  const opened = await openStore({
    url: options.file ? 'sqlite:strata.db' : 'sqlite::memory:',
    dataDir,
    clock,
    types: recordTypes,
  });
  const store = countingStore(opened);
  const server = await createServer(config, {
    clock,
    store,
    // Nothing happens but what the test does: `server.sweep()` is its to call.
    background: false,
    log: createLog({ level: 'trace', destination: { write: (line) => void log.push(line) } }),
  });
  await server.listen();

  return {
    origin,
    server,
    clock,
    store,
    log,
    dataDir,
    addAccount: (account = {}) => addAccount(server, account),
    addClient: async (metadata) => {
      const { client, secret = '' } = await server.clients.create(metadata);
      return { id: client.id, secret };
    },
    close: async () => {
      await server.close();
      await opened.close();
      await rm(dataDir, { recursive: true, force: true });
      clock.restore();
    },
  };
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
