import type { Db, Document } from 'mongodb';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { type Connection, connect } from '../../../src/storage/mongo/connection.ts';
import { migrateMongo } from '../../../src/storage/mongo/migrate-mongo.ts';
import { checkSchema, migrate, SCHEMA_VERSION, type Target } from '../../../src/storage/mongo/schema.ts';
import { recordType } from '../../../src/storage/record-type.ts';
import { describeMongo, type FreshDatabase, freshDatabase } from '../../support/mongo.ts';

const pets = recordType<{ owner?: string; age?: number }>('pet', {
  indexes: { owner: { field: 'owner', orderBy: 'age' } },
});
const petsByName = recordType<{ owner?: string; age?: number; name?: string }>('pet', {
  indexes: { owner: { field: 'owner', orderBy: 'age' }, name: { field: 'name' } },
});
const visits = recordType<{ place?: string; until?: number }>('visit', {
  indexes: { place: { field: 'place' } },
  expiresAt: 'until',
});

const COLLECTIONS = ['claims', 'lasting', 'meta', 'sessions', 'tokens', 'wake_ups'];

describeMongo('the schema of a MongoDB database', () => {
  const databases: FreshDatabase[] = [];
  let connection: Connection;
  let db: Db;
  let target: Target;

  beforeEach(async () => {
    const database = freshDatabase();
    databases.push(database);
    connection = await connect(database.url);
    db = connection.db;
    target = { db, place: 'here', types: [pets, visits] };
    return () => connection.client.close();
  });
  afterAll(() => Promise.all(databases.map((database) => database.drop())));

  function indexNames(collection: string): Promise<string[]> {
    return db
      .collection(collection)
      .indexes()
      .then((indexes) => indexes.map(({ name }) => String(name)).sort());
  }

  it('is refused where nothing was prepared, and nothing is made then', async () => {
    await expect(checkSchema(target)).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: 'here is not prepared yet: run strata migrate',
    });
    expect(await db.listCollections().toArray()).toEqual([]);
  });

  it('is made by a migration, which says what it made and makes nothing twice', async () => {
    const first = await migrate(target);
    const second = await migrate(target);

    expect(first.collections.toSorted()).toEqual(COLLECTIONS);
    expect(first.made).toContainEqual({ collection: 'lasting', index: 'pet.owner' });
    expect(first.made).toContainEqual({ collection: 'tokens', index: 'visit.place' });
    expect(second).toEqual({ collections: [], made: [], rebuilt: [], dropped: [], unused: [] });
    expect((await db.listCollections().toArray()).map(({ name }) => name).sort()).toEqual(COLLECTIONS);
    expect(await db.collection<Document>('meta').findOne({})).toEqual({
      _id: 'schema',
      version: SCHEMA_VERSION,
      oldestReader: 1,
    });
    await checkSchema(target);
  });

  it('removes what is over by itself', async () => {
    await migrate(target);
    const [tokens, wakeUps] = await Promise.all(
      ['tokens', 'wake_ups'].map((name) => db.collection(name).indexes()),
    );

    expect(tokens).toContainEqual(expect.objectContaining({ key: { x: 1 }, expireAfterSeconds: 0 }));
    expect(wakeUps).toContainEqual(expect.objectContaining({ key: { at: 1 }, expireAfterSeconds: 300 }));
  });

  it('is made once by several at the same time', async () => {
    await Promise.all([migrate(target), migrate(target), migrate(target)]);

    await checkSchema(target);
    expect(await indexNames('lasting')).toEqual(['_id_', 'expiry', 'pet.owner']);
  });

  it.each([
    ['an index that is missing', undefined],
    ['an index with other keys', { key: { 'b.owner': 1 } }],
    ['an index with the keys in another order', { key: { 'b.age': 1, 'b.owner': 1, i: 1 } }],
    ['an index over other records', { partialFilterExpression: { k: 'cat' } }],
    ['an index over all records', { partialFilterExpression: undefined }],
    ['an index that wants every value once', { unique: true }],
  ])('is refused with %s, which a migration sets right', async (_, change) => {
    await migrate(target);
    const lasting = db.collection('lasting');
    const declared = (await lasting.indexes()).find(({ name }) => name === 'pet.owner');
    await lasting.dropIndex('pet.owner');
    if (change) {
      const { key = {}, partialFilterExpression, unique = false } = { ...declared, ...change };
      const only = partialFilterExpression && { partialFilterExpression };
      await lasting.createIndex(key, { name: 'pet.owner', unique, ...only });
    }

    await expect(checkSchema(target)).rejects.toMatchObject({
      detail: 'here lacks the index pet.owner of lasting: run strata migrate',
    });

    const { made, rebuilt } = await migrate(target);
    const index = { collection: 'lasting', index: 'pet.owner' };
    expect({ made, rebuilt }).toEqual(
      change ? { made: [], rebuilt: [index] } : { made: [index], rebuilt: [] },
    );
    await checkSchema(target);
  });

  it('may have indexes of others, which a migration names and drops by request alone', async () => {
    await migrate(target);
    await db.collection('lasting').createIndex({ 'b.extra': 1 }, { name: 'extra' });
    await checkSchema(target);

    const extra = { collection: 'lasting', index: 'extra' };
    expect(await migrate(target)).toMatchObject({ unused: [extra], dropped: [] });
    expect(await indexNames('lasting')).toContain('extra');

    expect(await migrate(target, { dropUnused: true })).toMatchObject({ unused: [], dropped: [extra] });
    expect(await indexNames('lasting')).toEqual(['_id_', 'expiry', 'pet.owner']);
  });

  it('keeps the index of a shard key', async (context) => {
    await migrate(target);
    const made = db.collection('lasting').createIndex({ _id: 'hashed' });
    if (!(await made.catch(() => undefined))) return context.skip('this server has no hashed indexes');

    expect(await migrate(target, { dropUnused: true })).toMatchObject({ unused: [], dropped: [] });
  });

  it('grows with a release while the one before goes on', async () => {
    await migrate(target);
    const newer = { ...target, types: [petsByName, visits] };
    await expect(checkSchema(newer)).rejects.toMatchObject({
      detail: 'here lacks the index pet.name of lasting: run strata migrate',
    });

    expect((await migrate(newer)).made).toEqual([{ collection: 'lasting', index: 'pet.name' }]);

    await Promise.all([checkSchema(newer), checkSchema(target)]);
    await migrate(target);
    await checkSchema(newer);
  });

  it('says why an index cannot be made', async () => {
    await migrate({ ...target, types: [] });
    const keys = { 'b.owner': 1, 'b.age': 1, i: 1 } as const;
    const partialFilterExpression = { k: 'pet', 'b.owner': { $exists: true } };
    await db.collection('lasting').createIndex(keys, { name: 'of_somebody_else', partialFilterExpression });

    await expect(migrate(target)).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: expect.stringMatching(/^here cannot have the index pet\.owner of lasting: .*of_somebody_else/),
    });
  });

  it('is refused by a release that is too old for it, and left as it is', async () => {
    await migrate(target);
    const schema = db.collection<Document>('meta');
    await schema.updateOne({}, { $set: { version: SCHEMA_VERSION + 2, oldestReader: SCHEMA_VERSION + 1 } });
    const detail = `here was prepared by a newer release (schema ${SCHEMA_VERSION + 2}, this one knows ${SCHEMA_VERSION})`;

    await expect(checkSchema(target)).rejects.toMatchObject({ code: 'store_unavailable', detail });
    await expect(migrate(target, { dropUnused: true })).rejects.toMatchObject({ detail });
  });

  it('may be of a newer release that has this one in mind, and stays of it', async () => {
    await migrate(target);
    const schema = db.collection<Document>('meta');
    await schema.updateOne({}, { $set: { version: SCHEMA_VERSION + 1 } });

    await checkSchema(target);
    await migrate(target);
    expect(await schema.findOne({})).toMatchObject({ version: SCHEMA_VERSION + 1 });
  });

  it('is refused where an older release prepared it, until this one has', async () => {
    await migrate(target);
    await db.collection('meta').updateOne({}, { $set: { version: SCHEMA_VERSION - 1 } });

    await expect(checkSchema(target)).rejects.toMatchObject({
      detail: 'here was prepared by an older release: run strata migrate',
    });
    await migrate(target);
    await checkSchema(target);
  });

  it('is told of in sentences', async () => {
    const url = databases.at(-1)?.url ?? '';
    await db.collection('lasting').createIndex({ 'b.extra': 1 }, { name: 'extra' });

    const { done, unused } = await migrateMongo({ url, types: [pets], dropUnused: false });
    const again = await migrateMongo({ url, types: [pets], dropUnused: true });

    expect(done).toContain('Made the collection tokens.');
    expect(done).toContain('Made the index pet.owner of lasting.');
    expect(done.at(-1)).toMatch(
      /^The schema of the MongoDB database strata_test_\w+ at \S+ is that of this release\.$/,
    );
    expect(unused).toEqual(['the index extra of lasting']);
    expect(again).toEqual({ done: ['Dropped the index extra of lasting.', done.at(-1)], unused: [] });
  });
});
