import { type Db, MongoClient } from 'mongodb';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import type { ChangeLog } from '../../../src/storage/copy/change-log.ts';
import { openSource, type SourceSide } from '../../../src/storage/copy/sides.ts';
import { moveSource, storeMoves } from '../../../src/storage/moves.ts';
import { openStore } from '../../../src/storage/open.ts';
import { check, insert, patch, put, remove, type Store } from '../../../src/storage/store.ts';
import { describeMongo, type FreshDatabase, preparedDatabase } from '../../support/mongo.ts';
import { failing } from '../../support/mongo-failures.ts';
import { contractTypes, notes, things } from '../contract-types.ts';

const moving = { code: 'overloaded', retryAfterSeconds: 5, detail: 'the store is being moved' };

describeMongo('on MongoDB', () => {
  let database: FreshDatabase;
  let db: Db;
  /** As a server has it. */
  let store: Store;
  let side: SourceSide;
  let log: ChangeLog;

  beforeAll(async () => {
    database = await preparedDatabase([...contractTypes, storeMoves]);
    db = (await MongoClient.connect(database.url)).db();
    const options = { url: database.url, dataDir: '', types: contractTypes };
    store = await openStore(options);
    side = await openSource(options);
    log = side.changes;
  });

  afterAll(async () => {
    await side.close();
    await store.close();
    await db.client.close();
    await database.drop();
  });

  beforeEach(async () => {
    await side.store.commit([
      put(storeMoves, 'source', { kind: 'source', copyId: 'c', to: 'there', phase: 'copying' }),
    ]);
    onTestFinished(async () => {
      await side.store.commit([remove(storeMoves, 'source')]);
      await log.stop();
      for (const name of ['tokens', 'sessions', 'lasting', 'claims'])
        await db.collection(name).deleteMany({});
    });
  });

  async function namesAfter(position: string, limit = 1000): Promise<string[]> {
    const read = await log.read(position, limit);
    return read.kind === 'lost' ? ['lost'] : read.names.map(({ type, id }) => `${type}/${id}`).sort();
  }

  /** The collections whose validator is in force. */
  async function refusing(): Promise<string[]> {
    const collections = await db.listCollections({}, { nameOnly: false }).toArray();
    return collections
      .filter((each) => 'options' in each && (each.options?.validationLevel ?? 'off') !== 'off')
      .map(({ name }) => name);
  }

  it('the change log names what was inserted, changed and removed since it was started', async () => {
    await store.commit([insert(notes, 'gone', {}), insert(things, 'there', { login: 'a' })]);
    const position = await log.start();
    log.copied?.([{ type: 'order', id: 'gone' }]);

    await store.commit([insert(notes, '\ud800.$', {}), insert(things, 'new', { login: 'b' })]);
    await store.commit([patch(things, 'there', { set: [[['count'], 2]] }), check(things, 'new')]);
    await store.commit([remove(notes, 'gone')]);
    await store.commit([insert(notes, 'passing', {})]);
    await store.commit([remove(notes, 'passing')]);

    expect(await namesAfter(position)).toEqual(['order/gone', 'order/\ud800.$', 'thing/new', 'thing/there']);
  });

  it('the change log goes on where it was read up to, also by another copier', async () => {
    const position = await log.start();
    for (const n of [0, 1, 2, 3, 4]) await store.commit([insert(notes, `n${n}`, {})]);

    const first = await log.read(position, 2);
    expect(first).toMatchObject({ kind: 'changes', more: true, names: [{ id: 'n0' }, { id: 'n1' }] });
    const next = first.kind === 'changes' ? first.position : '';
    const other = await openSource({ url: database.url, dataDir: '', types: contractTypes });
    const second = await other.changes.read(next, 100);
    expect(second).toMatchObject({ more: false, names: [{ id: 'n2' }, { id: 'n3' }, { id: 'n4' }] });
    await other.close();
    expect(await namesAfter(next, 1)).toEqual(['order/n2']);
  });

  it('the change log finds its end also where somebody has cleared up behind it', async () => {
    const position = await log.start();
    await store.commit([insert(notes, 'a', {})]);
    await log.stop();

    expect(await namesAfter(position)).toEqual(['order/a']);
  });

  it('the change log says so where the server does not know the position any more', async () => {
    const unknown = JSON.stringify({ _data: '8263000000000000012B0229296E04' });
    expect(await log.read(unknown, 10)).toEqual({ kind: 'lost' });
  });

  it('the change log is not started for a user who could not freeze the store', async () => {
    const appName = `strata-rights-${process.pid}`;
    const url = `${database.url}${database.url.includes('?') ? '&' : '?'}appName=${appName}`;
    const other = await openSource({ url, dataDir: '', types: contractTypes });
    onTestFinished(() => other.close());
    await failing(db.client, { times: 'always', commands: ['collMod'], appName, errorCode: 13 });

    await expect(other.changes.start()).rejects.toMatchObject({
      code: 'conflict',
      detail: expect.stringMatching(
        /^the MongoDB database \S+ at .*: grant it the role dbAdmin there as well$/,
      ),
    });
  });

  it('a freeze that a server may not end refuses, and does not fail', async () => {
    const appName = `strata-rights-server-${process.pid}`;
    const url = `${database.url}${database.url.includes('?') ? '&' : '?'}appName=${appName}`;
    const other = await openStore({ url, dataDir: '', types: contractTypes });
    onTestFinished(() => other.close());
    await failing(db.client, { times: 'always', commands: ['collMod'], appName, errorCode: 13 });
    await db.command({ collMod: 'lasting', validator: { k: 'nothing' }, validationLevel: 'strict' });

    await expect(other.commit([put(notes, 'n', {})])).rejects.toMatchObject(moving);
    await expect(other.commit([put(notes, 'n', {})])).rejects.toMatchObject(moving);
    expect(await other.get(notes, 'n')).toBeUndefined();
  });

  it('a freeze refuses writes of every kind as overloaded, also by processes that do not know of it', async () => {
    await store.commit([insert(notes, 'a', { n: 1 }), insert(things, 'a', { login: 'a' })]);
    await log.freeze(60_000);

    await expect(store.commit([insert(notes, 'new', {})])).rejects.toMatchObject(moving);
    await expect(store.commit([put(notes, 'a', {})])).rejects.toMatchObject(moving);
    await expect(store.commit([patch(notes, 'a', { set: [[['n'], 5]] })])).rejects.toMatchObject(moving);
    await expect(store.commit([remove(notes, 'a')])).rejects.toMatchObject(moving);
    await expect(store.commit([remove(things, 'a'), check(notes, 'a')])).rejects.toMatchObject(moving);
    expect(await store.get(notes, 'a')).toEqual({ n: 1 });

    // Opened for a move, this one asks nobody, so that only the server refuses.
    const unknowing = side.store;

    await expect(unknowing.commit([insert(notes, 'new', {})])).rejects.toMatchObject(moving);
    await expect(unknowing.commit([patch(notes, 'a', { set: [[['n'], 5]] })])).rejects.toMatchObject(moving);
    await expect(unknowing.commit([patch(things, 'a', { set: [[['login'], 'b']] })])).rejects.toMatchObject(
      moving,
    );
    await expect(unknowing.commit([put(notes, 'a', {}), remove(things, 'a')])).rejects.toMatchObject(moving);
    expect(await store.find(things, 'login', 'a')).toEqual({ login: 'a' });

    await log.thaw();
    expect(await store.commit([put(notes, 'a', { n: 2 })])).toEqual({ committed: true });
  });

  it('a freeze that its copier did not outlive is ended by the servers, for good', async () => {
    const position = await log.start();
    await log.freeze(1);

    await vi.waitFor(() => store.commit([put(notes, 'n', {})]), { timeout: 10_000, interval: 50 });

    expect(await moveSource(store)).not.toHaveProperty('frozenFrom');
    expect(await refusing()).toEqual([]);
    await expect(log.seal(position)).resolves.toBe(false);
    expect(await store.commit([put(notes, 'm', {})])).toEqual({ committed: true });
  });

  it('validators that nobody stands behind any more go with the first write that they refuse', async () => {
    await db.command({ collMod: 'lasting', validator: { k: 'nothing' }, validationLevel: 'strict' });
    await expect(store.commit([put(notes, 'n', {})])).rejects.toMatchObject(moving);
    expect(await store.commit([put(notes, 'n', {})])).toEqual({ committed: true });
  });

  it('a seal is for good, and is refused where a commit came after the position', async () => {
    const position = await log.start();
    await store.commit([put(notes, 'n', {})]);
    await log.freeze(60_000);
    expect(await log.seal(position)).toBe(false);

    const read = await log.read(position, 10);
    expect(await log.seal(read.kind === 'changes' ? read.position : '')).toBe(true);

    await log.thaw();
    expect(await moveSource(store)).toMatchObject({ phase: 'moved' });
    expect(await refusing()).toHaveLength(3);
    await expect(store.commit([put(notes, 'm', {})])).rejects.toMatchObject(moving);
    await expect(store.commit([remove(notes, 'n')])).rejects.toMatchObject(moving);
  });

  it('stopping leaves no trace', async () => {
    await log.start();
    await db.command({ collMod: 'lasting', validator: { k: 'nothing' }, validationLevel: 'strict' });
    await side.store.commit([remove(storeMoves, 'source')]);

    await log.stop();

    expect(await db.collection('lasting').countDocuments({ k: storeMoves.name })).toBe(0);
    expect(await refusing()).toEqual([]);
  });
});
