// The collections and indexes of a database, and what is written down about them. They are made by `strata
// migrate`, while the servers of the release before go on; a server only looks whether they are there. Changes
// add: an index that a release no longer needs stays until it is dropped by request, so that both releases can
// run side by side for as long as an upgrade takes.
import { type Db, type IndexDescriptionInfo, MongoError, MongoServerError } from 'mongodb';
import type { RecordType } from '../record-type.ts';
import { refused } from './address.ts';
import { type CollectionLayout, layoutOf, type NamedIndex } from './layout.ts';
import { WAKE_UPS_LAYOUT } from './wake-ups-collection.ts';

/** Goes up with every release that needs other collections or indexes, or spells records in another way. */
export const SCHEMA_VERSION = 1;
/** The oldest version whose release understands what this one writes. */
const OLDEST_READER = 1;

const META = 'meta';

/** What stands in `meta` about the database as a whole. */
interface SchemaRecord {
  readonly _id: 'schema';
  readonly version: number;
  readonly oldestReader: number;
}

export interface IndexName {
  readonly collection: string;
  readonly index: string;
}

export interface Migration {
  readonly collections: readonly string[];
  readonly made: readonly IndexName[];
  /** Had this name and were not as declared. */
  readonly rebuilt: readonly IndexName[];
  readonly dropped: readonly IndexName[];
  /** Of no use to this release, and left where they are. */
  readonly unused: readonly IndexName[];
}

export interface Target {
  readonly db: Db;
  readonly place: string;
  readonly types: readonly RecordType<object>[];
}

const NAMESPACE_NOT_FOUND = 26;
const INDEX_NOT_FOUND = 27;
const NAMESPACE_EXISTS = 48;

/** Throws `DomainError` with the remedy, unless the database is as these types need it. */
export async function checkSchema({ db, place, types }: Target): Promise<void> {
  const recorded = await recordedSchema(db);
  if (recorded === undefined) throw refused(`${place} is not prepared yet: run strata migrate`);
  refuseNewer(place, recorded);
  if (recorded.version < SCHEMA_VERSION) {
    throw refused(`${place} was prepared by an older release: run strata migrate`);
  }

  const surveys = await survey(db, types);
  const missing = surveys.flatMap(({ name, fresh, stale }) =>
    [...fresh, ...stale].map((index) => nameOf(name, index)),
  );
  if (missing.length > 0) {
    throw refused(`${place} lacks ${missing.map(indexText).join(', ')}: run strata migrate`);
  }
}

/** Makes what is missing. Reads and writes of others go on meanwhile. */
export async function migrate(target: Target, { dropUnused = false } = {}): Promise<Migration> {
  const { db, place, types } = target;
  const recorded = await recordedSchema(db);
  if (recorded !== undefined) refuseNewer(place, recorded);

  const collections = await makeCollections(db, types);
  const surveys = await survey(db, types);
  for (const { name, fresh, stale } of surveys) {
    for (const index of stale) await dropIndex(db, { collection: name, index: index.name });
    for (const index of [...stale, ...fresh]) await makeIndex(target, name, index);
  }
  const unused = surveys.flatMap(({ name, unused }) => unused.map((index) => ({ collection: name, index })));
  if (dropUnused) await Promise.all(unused.map((index) => dropIndex(db, index)));
  await recordSchema(db);

  return {
    collections,
    made: surveys.flatMap(({ name, fresh }) => fresh.map((index) => nameOf(name, index))),
    rebuilt: surveys.flatMap(({ name, stale }) => stale.map((index) => nameOf(name, index))),
    dropped: dropUnused ? unused : [],
    unused: dropUnused ? [] : unused,
  };
}

async function recordedSchema(db: Db): Promise<SchemaRecord | undefined> {
  return (await db.collection<SchemaRecord>(META).findOne({ _id: 'schema' })) ?? undefined;
}

/** Never lowers a number: the release that was here first may be the newer one. */
async function recordSchema(db: Db): Promise<void> {
  const schema = db.collection<SchemaRecord>(META);
  const numbers = { version: SCHEMA_VERSION, oldestReader: OLDEST_READER };
  await schema.updateOne({ _id: 'schema' }, { $max: numbers }, { upsert: true });
}

function refuseNewer(place: string, { version, oldestReader }: SchemaRecord): void {
  if (oldestReader <= SCHEMA_VERSION) return;
  throw refused(
    `${place} was prepared by a newer release (schema ${version}, this one knows ${SCHEMA_VERSION})`,
  );
}

/** What is to be done in one collection. */
interface Survey {
  readonly name: string;
  readonly fresh: readonly NamedIndex[];
  readonly stale: readonly NamedIndex[];
  readonly unused: readonly string[];
}

function collectionsFor(types: readonly RecordType<object>[]): CollectionLayout[] {
  return [...layoutOf(types), WAKE_UPS_LAYOUT];
}

function survey(db: Db, types: readonly RecordType<object>[]): Promise<Survey[]> {
  return Promise.all(collectionsFor(types).map((layout) => surveyOne(db, layout)));
}

async function surveyOne(db: Db, { name, indexes }: CollectionLayout): Promise<Survey> {
  const existing = await indexesOf(db, name);
  const found = new Map(existing.map((index) => [index.name, index]));
  const declared = new Set(indexes.map((index) => index.name));

  return {
    name,
    fresh: indexes.filter((index) => !found.has(index.name)),
    stale: indexes.filter((index) => {
      const other = found.get(index.name);
      return other !== undefined && canonical(other) !== canonical(index);
    }),
    unused: existing
      .filter((index) => !declared.has(String(index.name)) && !isOnId(index))
      .map(({ name }) => String(name)),
  };
}

async function indexesOf(db: Db, collection: string): Promise<IndexDescriptionInfo[]> {
  try {
    return await db.collection(collection).indexes();
  } catch (error) {
    if (hasCode(error, NAMESPACE_NOT_FOUND)) return [];
    throw error;
  }
}

/** Every collection has one; that of a shard key is another, and `_id` is the shard key that we advise. */
function isOnId({ key }: IndexDescriptionInfo): boolean {
  return Object.keys(key).join() === '_id';
}

/** What makes two indexes the same, as text. The order of the key's fields counts, that of all else does not. */
function canonical(index: NamedIndex | IndexDescriptionInfo): string {
  const { partialFilterExpression, expireAfterSeconds, unique, sparse, hidden, collation } = index;
  const key = index.key instanceof Map ? [...index.key] : Object.entries(index.key);
  const flags = [unique === true, sparse === true, hidden === true];
  return JSON.stringify([
    key,
    flags,
    expireAfterSeconds ?? null,
    sorted(collation),
    sorted(partialFilterExpression),
  ]);
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value ?? null;
  return Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, inner]) => [name, sorted(inner)]);
}

async function makeCollections(db: Db, types: readonly RecordType<object>[]): Promise<string[]> {
  const names = [...collectionsFor(types).map(({ name }) => name), META];
  const existing = await db.listCollections({}, { nameOnly: true }).toArray();
  const missing = names.filter((name) => !existing.some((collection) => collection.name === name));
  for (const name of missing) {
    await db.createCollection(name).catch(unlessCode(NAMESPACE_EXISTS));
  }
  return missing;
}

async function makeIndex({ db, place }: Target, collection: string, index: NamedIndex): Promise<void> {
  try {
    await db.collection(collection).createIndexes([index]);
  } catch (error) {
    if (!(error instanceof MongoError)) throw error;
    const name = indexText(nameOf(collection, index));
    throw refused(`${place} cannot have ${name}: ${error.message}`, error);
  }
}

async function dropIndex(db: Db, { collection, index }: IndexName): Promise<void> {
  await db.collection(collection).dropIndex(index).catch(unlessCode(INDEX_NOT_FOUND));
}

/** Somebody else did the same at the same time. */
function unlessCode(code: number): (error: unknown) => undefined {
  return (error) => {
    if (!hasCode(error, code)) throw error;
  };
}

function hasCode(error: unknown, code: number): boolean {
  return error instanceof MongoServerError && error.code === code;
}

function nameOf(collection: string, { name }: NamedIndex): IndexName {
  return { collection, index: name };
}

export function indexText({ collection, index }: IndexName): string {
  return `the index ${index} of ${collection}`;
}
