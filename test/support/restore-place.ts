// A place that outlives its servers: a database file, an address and a clock, for tests that stop a server, do
// something to its file with the commands, and start the next one.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { createLog } from '../../src/core/log.ts';
import { main } from '../../src/main.ts';
import { recordTypes } from '../../src/records.ts';
import { createServer, type StrataServer } from '../../src/server.ts';
import { openStore } from '../../src/storage/open.ts';
import type { Store } from '../../src/storage/store.ts';
import { freePort } from './free-port.ts';
import { type TestClock, testClock } from './test-clock.ts';
import { testConfig, testMasterSecret } from './test-config.ts';

export interface RestorePlace {
  readonly origin: string;
  readonly dataDir: string;
  readonly clock: TestClock;
  /** Every line of the logs of all its servers so far. */
  readonly log: string[];
  /** Of the server that runs. */
  readonly server: StrataServer;
  readonly store: Store;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Runs a command on the database; throws unless it succeeds. Resolves to what it printed. */
  command(...argv: string[]): Promise<string>;
  remove(): Promise<void>;
}

export async function restorePlace(): Promise<RestorePlace> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const dataDir = await mkdtemp(join(tmpdir(), 'strata-restore-'));
  const clock = testClock();
  const log: string[] = [];
  let running: { server: StrataServer; store: Store } | undefined;

  function runs() {
    if (!running) throw new Error('no server runs');
    return running;
  }

  async function start(): Promise<void> {
    const store = await openStore({ url: 'sqlite:strata.db', dataDir, clock, types: recordTypes });
    const server = await createServer(testConfig({ issuer: origin, listen: { port }, dataDir }), {
      clock,
      store,
      background: false,
      log: createLog({ level: 'trace', destination: { write: (line) => void log.push(line) } }),
    });
    await server.listen();
    running = { server, store };
  }

  async function stop(): Promise<void> {
    await running?.server.close(0);
    await running?.store.close();
    running = undefined;
  }

  return {
    origin,
    dataDir,
    clock,
    log,
    get server() {
      return runs().server;
    },
    get store() {
      return runs().store;
    },
    start,
    stop,
    command: (...argv) => command(argv, dataDir),
    remove: async () => {
      await stop();
      await rm(dataDir, { recursive: true, force: true });
      clock.restore();
    },
  };
}

async function command(argv: readonly string[], dataDir: string): Promise<string> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end();
  const printed = Promise.all([text(stdout), text(stderr)]);
  const env = { STRATA_TEST: '1', STRATA_DATA_DIR: dataDir, STRATA_MASTER_SECRET: testMasterSecret };
  const code = await main(argv, env, { stdin, stdout, stderr });
  stdout.end();
  stderr.end();
  const [out, err] = await printed;
  if (code !== 0) throw new Error(`strata ${argv.join(' ')}: ${err}`);
  return `${out}${err}`;
}
