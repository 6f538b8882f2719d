// Starts the stand-in for MongoDB for a run of tests, unless MONGODB_URI names a server.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isStandInInstalled, startStandIn } from './standin-process.ts';

/** Called by vitest before the tests; what it returns, after them. */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.MONGODB_URI) return undefined;
  if (!isStandInInstalled()) {
    throw new Error(
      'set MONGODB_URI to the address of a replica set, or run scripts/mongo-standin.sh install',
    );
  }

  const dataDir = await mkdtemp(join(tmpdir(), 'strata-mongo-'));
  const standIn = await startStandIn({ dataDir });
  process.env.MONGODB_URI = standIn.address;

  return async () => {
    await standIn.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
}
