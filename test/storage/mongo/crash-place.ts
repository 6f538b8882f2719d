// A database on MongoDB for servers that are killed. It is killed as well where it is a stand-in of the test's
// own; a server that MONGODB_URI names is somebody else's.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Db, MongoClient } from 'mongodb';
import { recordTypes } from '../../../src/records.ts';
import { CLAIMS, RECORD_COLLECTIONS } from '../../../src/storage/mongo/layout.ts';
import { openStore } from '../../../src/storage/open.ts';
import type { CrashFindings, CrashPlace } from '../../flows/crash-place.ts';
import { halfDoneIn } from '../../flows/half-done.ts';
import { mongoUri, preparedDatabase } from '../../support/mongo.ts';
import { isStandIn, type StandIn, startStandIn } from '../../support/standin-process.ts';
import { disagreements, readClaims } from './claim-agreement.ts';

export async function mongoPlace(): Promise<CrashPlace> {
  const directory = await mkdtemp(join(tmpdir(), 'strata-crash-'));
  const given = mongoUri();
  const standIn = given === undefined || isStandIn(given) ? await ownStandIn(directory) : undefined;
  const database = await preparedDatabase(recordTypes, standIn?.address ?? given);
  return {
    url: database.url,
    dataDir: directory,
    mayBeAway: true,
    ...(standIn && { database: standIn }),
    inspect: () => inspectDatabase(database.url),
    remove: async () => {
      await (standIn ? standIn.stop() : database.drop());
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** What a write has not asked to be on the disk is lost with it, so that writes which do not ask are found. */
async function ownStandIn(directory: string) {
  const options = { dataDir: join(directory, 'mongo'), flags: ['--sync-on-request'] };
  let running: StandIn = await startStandIn(options);
  const { address, port } = running;
  return {
    address,
    kill: () => running.kill(),
    stop: () => running.stop(),
    restart: async () => {
      running = await startStandIn({ ...options, port });
    },
  };
}

async function inspectDatabase(url: string): Promise<CrashFindings> {
  const store = await openStore({ url, dataDir: '', types: recordTypes });
  const client = new MongoClient(url);
  try {
    const { sessions, halves } = await halfDoneIn(store);
    const documents = await readClaims(client.db(), recordTypes);
    const disagreeing = disagreements(documents, { types: recordTypes, now: store.clock.now() });
    const complaints = [...(await damageIn(client.db())), ...halves, ...disagreeing];
    return { sessions, complaints };
  } finally {
    await client.close();
    await store.close();
  }
}

async function damageIn(db: Db): Promise<string[]> {
  const complaints: string[] = [];
  for (const name of [...RECORD_COLLECTIONS, CLAIMS]) {
    const { valid, errors } = await db.command({ validate: name });
    if (valid !== true) complaints.push(`${name} is damaged: ${errors}`);
  }
  return complaints;
}
