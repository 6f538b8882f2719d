// The MongoDB that tests run against: a server of the developer's or the build's choice, named by MONGODB_URI.
// Each test file has a database of its own there, which is dropped when it is done.
import { randomBytes } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { describe } from 'vitest';
import { migrateStore } from '../../src/storage/open.ts';
import type { RecordType } from '../../src/storage/record-type.ts';

export interface FreshDatabase {
  /** As in `store.url`: a server and a database that nobody has used. */
  readonly url: string;
  drop(): Promise<void>;
}

/** Undefined where there is no server to test with; an error where one was promised. */
export function mongoUri(): string | undefined {
  const uri = process.env.MONGODB_URI;
  if (uri) return uri;
  if (process.env.REQUIRE_MONGODB === '1') throw new Error('REQUIRE_MONGODB=1 is set and MONGODB_URI is not');
  return undefined;
}

/** At the server of MONGODB_URI unless told. */
export function freshDatabase(uri = mongoUri()): FreshDatabase {
  if (uri === undefined) throw new Error('MONGODB_URI is not set');
  const url = withDatabase(uri, `strata_test_${randomBytes(6).toString('hex')}`);

  async function drop(): Promise<void> {
    const client = new MongoClient(url, { serverSelectionTimeoutMS: 5_000 });
    try {
      await client.db().dropDatabase();
    } finally {
      await client.close();
    }
  }

  return { url, drop };
}

/** Who signs in goes on doing so where MONGODB_URI says. */
function withDatabase(uri: string, name: string): string {
  const [, server, database, options = ''] =
    /^(mongodb(?:\+srv)?:\/\/[^/?]+)\/?([^?]*)\??(.*)$/.exec(uri) ?? [];
  if (server === undefined) throw new Error('MONGODB_URI is no address of a MongoDB');

  const parameters = new URLSearchParams(options);
  if (server.includes('@') && !parameters.has('authSource'))
    parameters.set('authSource', database || 'admin');
  const query = parameters.toString();
  return `${server}/${name}${query === '' ? '' : `?${query}`}`;
}

/** A database that `strata migrate` has made ready for these types. */
export async function preparedDatabase(
  types: readonly RecordType<object>[],
  uri = mongoUri(),
): Promise<FreshDatabase> {
  const database = freshDatabase(uri);
  await migrateStore({ url: database.url, dataDir: '', types });
  return database;
}

/** Tests that are skipped where there is no server to run them against. */
export const describeMongo = describe.skipIf(mongoUri() === undefined);
