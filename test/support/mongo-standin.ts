// Starts the stand-in for MongoDB for a run of tests, unless MONGODB_URI names a server. It is a beta under GPL-2.0 and a tool of the tests alone: scripts/mongo-standin.sh.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';

const root = new URL('../../', import.meta.url).pathname;
const python = join(root, '.ci-tmp/mongo/bin/python');
const PATIENCE_MS = 5_000;

/** Called by vitest before the tests; what it returns, after them. */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.MONGODB_URI) return undefined;
  if (!existsSync(python)) {
    throw new Error(
      'set MONGODB_URI to the address of a replica set, or run scripts/mongo-standin.sh install',
    );
  }

  const data = await mkdtemp(join(tmpdir(), 'strata-mongo-'));
  // Its standard input ends with this process, however that ends, and it with that.
  const server = spawn(python, [join(root, 'scripts/mongo-standin.py'), '0', data, '--with-parent'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  process.env.MONGODB_URI = await addressOf(server);

  return async () => {
    await stop(server);
    await rm(data, { recursive: true, force: true });
  };
}

async function addressOf(server: ChildProcess): Promise<string> {
  const failed = once(server, 'exit').then(() => {
    throw new Error('the stand-in for MongoDB did not start; scripts/mongo-standin.sh run tells why');
  });
  if (server.stdout === null) return failed;

  const [address] = await Promise.race([once(createInterface(server.stdout), 'line'), failed]);
  return String(address);
}

async function stop(server: ChildProcess): Promise<void> {
  const gone = once(server, 'exit');
  server.kill('SIGTERM');
  const patience = new AbortController();
  const tooLong = setTimeout(PATIENCE_MS, 'too long', patience).catch(() => undefined);
  if ((await Promise.race([gone, tooLong])) === 'too long') server.kill('SIGKILL');
  patience.abort();
  await gone;
}
