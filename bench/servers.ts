// The two servers, each on a database file of its own (synchronous=FULL), with the people and clients of the
// fixture. Both run with what Strata's configuration has by default, in the production profile.
import { createServer as createNetServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { accounts, createAccount, logins } from '../src/accounts/account.ts';
import { createPasswordHasher } from '../src/accounts/hash-queue.ts';
import { configSchema } from '../src/config/schema.ts';
import { systemClock } from '../src/core/clock.ts';
import { randomToken } from '../src/core/secrets.ts';
import { recordTypes } from '../src/records.ts';
import { createServer } from '../src/server.ts';
import { openStore } from '../src/storage/open.ts';
import type { Store } from '../src/storage/store.ts';
import { bareRecordTypes } from './bare-adapter.ts';
import { createBareEngine } from './bare-engine.ts';
import { accountsCount, apis, clients, emailOf, password } from './fixture.ts';

export interface StartOptions {
  /** An empty directory for the database. */
  directory: string;
  /** Puts something between the server and its store, to count. */
  wrapStore?: (store: Store) => Store;
  /** No log. */
  silent?: boolean;
}

export interface RunningServer {
  origin: string;
  close(): Promise<void>;
}

export type ServerName = keyof typeof starts;

const starts = { strata: startStrata, bare: startBare };

export function startServer(name: ServerName, options: StartOptions): Promise<RunningServer> {
  return starts[name](options);
}

async function startStrata(options: StartOptions): Promise<RunningServer> {
  const { directory, wrapStore = asItIs, silent = false } = options;
  const clock = systemClock();
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const settings = configSchema.parse({
    listen: { port },
    dataDir: directory,
    apis,
    // All requests come from one address here, and it is not the limit that is measured.
    limits: { authorizationsPerMinute: 1_000_000 },
    log: silent ? { level: 'silent' } : {},
  });
  const config = { ...settings, issuer, masterSecret: randomToken(32) };
  const store = await openStore({ url: config.store.url, dataDir: directory, clock, types: recordTypes });
  const server = await createServer(config, { clock, store: wrapStore(store) });
  for (const client of clients) await server.clients.create(client);
  await addAccounts(store);
  await server.listen();
  return {
    origin: issuer,
    async close() {
      await server.close();
      await store.close();
    },
  };
}

async function startBare({ directory, wrapStore = asItIs }: StartOptions): Promise<RunningServer> {
  const clock = systemClock();
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const types = [...bareRecordTypes, accounts, logins];
  const store = await openStore({ url: 'sqlite:bare.db', dataDir: directory, clock, types });
  const server = createBareEngine(origin, wrapStore(store));
  await addAccounts(store);
  await listen(server, port);
  return {
    origin,
    async close() {
      await stop(server);
      await store.close();
    },
  };
}

async function addAccounts(store: Store): Promise<void> {
  const passwordHash = await createPasswordHasher(configSchema.parse({}).passwords).hash(password);
  const deps = { store, clock: systemClock() };
  for (let number = 0; number < accountsCount; number += 1) {
    await createAccount(deps, { name: 'Person', email: emailOf(number), emailVerified: true, passwordHash });
  }
}

function asItIs(store: Store): Store {
  return store;
}

/** A port that was free a moment ago: the issuer must name it before the server listens. */
async function freePort(): Promise<number> {
  const probe = createNetServer();
  await listen(probe, 0);
  // A TCP server that listens has an address with a port.
  const { port } = probe.address() as AddressInfo;
  await stop(probe);
  return port;
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
