// Prepares a MongoDB database for a release, and tells what was done. Loaded only where the configuration names
// one.
import type { RecordType } from '../record-type.ts';
import { closedOnFailure, connect } from './connection.ts';
import { indexText, migrate } from './schema.ts';

export interface MigrateOptions {
  readonly url: string;
  readonly types: readonly RecordType<object>[];
  readonly dropUnused: boolean;
}

/** What was done, and what could be, in sentences. */
export async function migrateMongo(options: MigrateOptions): Promise<{ done: string[]; unused: string[] }> {
  // Building an index on many records takes as long as it takes.
  const connection = await connect(options.url, { socketTimeoutMS: 0 });
  const migration = await closedOnFailure(connection, () =>
    migrate({ ...connection, types: options.types }, options),
  );
  await connection.client.close();

  const { collections, made, rebuilt, dropped, unused } = migration;
  return {
    done: [
      ...collections.map((name) => `Made the collection ${name}.`),
      ...made.map((index) => `Made ${indexText(index)}.`),
      ...rebuilt.map((index) => `Made ${indexText(index)} anew, which was another one.`),
      ...dropped.map((index) => `Dropped ${indexText(index)}.`),
      `The schema of ${connection.place} is that of this release.`,
    ],
    unused: unused.map(indexText),
  };
}
