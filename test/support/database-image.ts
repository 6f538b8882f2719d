// What somebody would have who copied the database of a test server: every byte of it, and a place to plant
// something that must be found.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { BSON, MongoClient } from 'mongodb';
import type { TestServer } from './test-server.ts';

type Place = Pick<TestServer, 'storeUrl' | 'dataDir'>;

export interface DatabaseImage {
  /** All bytes, as the database keeps them and, where that differs, as text. */
  bytes(): Promise<Buffer[]>;
  /** Puts the text into the database; returns what takes it out without a trace. */
  plant(text: string): Promise<() => Promise<void>>;
}

export function databaseImage(place: Place): DatabaseImage {
  return place.storeUrl.startsWith('mongodb:') ? mongoImage(place.storeUrl) : fileImage(place.dataDir);
}

/** The file and its log as they lie on the disk, and every table as text. */
function fileImage(dataDir: string): DatabaseImage {
  const path = join(dataDir, 'strata.db');

  async function bytes(): Promise<Buffer[]> {
    const files = (await readdir(dataDir)).filter((name) => name.startsWith('strata.db'));
    if (!files.includes('strata.db-wal')) throw new Error('the database has no log beside it');

    const raw = await Promise.all(files.map((name) => readFile(join(dataDir, name))));
    using db = new DatabaseSync(path, { readOnly: true });
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    const texts = tables.map(({ name }) => JSON.stringify(db.prepare(`SELECT * FROM "${name}"`).all()));
    return [...raw, Buffer.from(texts.join('\n'))];
  }

  async function plant(text: string): Promise<() => Promise<void>> {
    const db = new DatabaseSync(path);
    db.exec('CREATE TABLE leak (body TEXT)');
    db.prepare('INSERT INTO leak VALUES (?)').run(text);
    return async () => {
      db.exec('DELETE FROM leak; DROP TABLE leak; PRAGMA wal_checkpoint(TRUNCATE); VACUUM');
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      db.close();
    };
  }

  return { bytes, plant };
}

/** Every document of every collection, as the protocol carries it. */
function mongoImage(url: string): DatabaseImage {
  async function withDatabase<Result>(use: (db: ReturnType<MongoClient['db']>) => Promise<Result>) {
    const client = new MongoClient(url);
    try {
      return await use(client.db());
    } finally {
      await client.close();
    }
  }

  function bytes(): Promise<Buffer[]> {
    return withDatabase(async (db) => {
      const collections = await db.collections();
      const documents = await Promise.all(collections.map((each) => each.find().toArray()));
      return documents.flat().map((document) => Buffer.from(BSON.serialize(document)));
    });
  }

  async function plant(text: string): Promise<() => Promise<void>> {
    await withDatabase((db) => db.collection('leak').insertOne({ text }));
    return () =>
      withDatabase(async (db) => {
        await db.collection('leak').drop();
      });
  }

  return { bytes, plant };
}
