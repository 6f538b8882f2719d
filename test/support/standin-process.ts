// A stand-in for MongoDB in a process of its own, which a test may start, kill and start again on the same data.
// It is a beta under GPL-2.0 and a tool of the tests alone: scripts/mongo-standin.sh.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';

export interface StandIn {
  /** What belongs into MONGODB_URI. */
  readonly address: string;
  readonly port: number;
  /** At once, with whatever it was about to do. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const root = new URL('../../', import.meta.url).pathname;
const python = join(root, '.ci-tmp/mongo/bin/python');
const PATIENCE_MS = 5_000;

export function isStandInInstalled(): boolean {
  return existsSync(python);
}

/** Whether what MONGODB_URI names is such a stand-in, as whoever started it said. */
export function isStandIn(address: string): boolean {
  return /[?&]replicaSet=secantus(&|$)/.test(address);
}

export interface StandInOptions {
  readonly dataDir: string;
  /** A free one unless told. */
  readonly port?: number;
  /** `--sync-on-request`, for instance: scripts/mongo-standin.py. */
  readonly flags?: readonly string[];
}

export async function startStandIn({ dataDir, port = 0, flags = [] }: StandInOptions): Promise<StandIn> {
  // Its standard input ends with this process, however that ends, and it with that.
  const script = join(root, 'scripts/mongo-standin.py');
  const server = spawn(python, [script, String(port), dataDir, '--with-parent', ...flags], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const gone = once(server, 'exit');
  const address = await addressOf(server, gone);

  async function kill(): Promise<void> {
    server.kill('SIGKILL');
    await gone;
  }

  async function stop(): Promise<void> {
    server.kill('SIGTERM');
    const patience = new AbortController();
    const tooLong = setTimeout(PATIENCE_MS, 'too long', patience).catch(() => undefined);
    if ((await Promise.race([gone, tooLong])) === 'too long') server.kill('SIGKILL');
    patience.abort();
    await gone;
  }

  return { address, port: Number(/:(\d+)\//.exec(address)?.[1]), kill, stop };
}

async function addressOf(server: ChildProcess, gone: Promise<unknown>): Promise<string> {
  const failed = gone.then(() => {
    throw new Error('the stand-in for MongoDB did not start; scripts/mongo-standin.sh run tells why');
  });
  if (server.stdout === null) return failed;

  const [address] = await Promise.race([once(createInterface(server.stdout), 'line'), failed]);
  return String(address);
}
