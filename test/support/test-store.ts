// The empty store that a test server begins with: SQLite, or, where the flow tests are run on MongoDB, a
// database of its own there.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordTypes } from '../../src/records.ts';
import { preparedDatabase } from './mongo.ts';

export interface TestStore {
  /** As `store.url`. */
  readonly url: string;
  /** Directory of the server's files, and of the database where it is one. */
  readonly dataDir: string;
  remove(): Promise<void>;
}

export async function emptyTestStore({ file = false } = {}): Promise<TestStore> {
  const dataDir = await mkdtemp(join(tmpdir(), 'strata-test-'));
  const database = runsOnMongo() ? await preparedDatabase(recordTypes) : undefined;

  async function remove(): Promise<void> {
    await database?.drop();
    await rm(dataDir, { recursive: true, force: true });
  }

  return { url: database?.url ?? (file ? 'sqlite:strata.db' : 'sqlite::memory:'), dataDir, remove };
}

/** Set by the vitest project that runs the flow tests on MongoDB. */
export function runsOnMongo(): boolean {
  return process.env.STRATA_TEST_STORE === 'mongodb';
}

/**
 * When the clock of a test begins, unless the test says so. MongoDB removes by its own time what has expired,
 * so that there the time of the tests must be ahead of it.
 */
export function startOfTestTime(): number {
  return runsOnMongo() ? Date.UTC(2036, 0, 1) : Date.UTC(2026, 0, 1);
}
