// No statement of the store reads a collection through. Each that is sent while the types of the product are used
// in every way is judged twice: by whether an index of the layout fits it, and by the server's own plan, where
// the server has one worth asking for.
import type { CommandStartedEvent, Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordTypes } from '../../../src/records.ts';
import { type CollectionLayout, layoutOf } from '../../../src/storage/mongo/layout.ts';
import type { RecordType } from '../../../src/storage/record-type.ts';
import { type Condition, check, insert, patch, put, remove } from '../../../src/storage/store.ts';
import { describeMongo } from '../../support/mongo.ts';
import { contractTypes } from '../contract-types.ts';
import { type MonitoredStore, monitoredStore, START_MS } from './monitored-store.ts';

/** A part of a command that finds documents. */
interface Search {
  readonly collection: string;
  readonly filter: Document;
  readonly sort?: Document;
}

const RECORDS = 12;
const types: readonly RecordType<object>[] = [...new Set([...recordTypes, ...contractTypes])];

describeMongo('every search that the store sends to MongoDB', () => {
  let on: MonitoredStore;
  let searches: Search[];
  beforeAll(async () => {
    on = await monitoredStore({ types });
    const sent = await on.sentBy(async () => {
      for (const type of types) await useEverything(type);
    });
    searches = sent.flatMap(searchesOf);
  }, 120_000);
  afterAll(() => on.dispose());

  /** All that the store can be asked about one type, with conditions of every kind. */
  async function useEverything(type: RecordType<object>): Promise<void> {
    const { store, clock } = on;
    const ids = Array.from({ length: RECORDS }, (_, n) => `id-${n}`);
    await store.commit(ids.map((id, n) => insert(type, id, bodyFor(type, n))));
    await store.commit([insert(type, 'single', bodyFor(type, RECORDS))]);

    const when: Condition[] = [
      { path: ['state'], is: null },
      { path: ['nested', 'a'], absent: true },
      { path: ['extra'], is: 'x' },
      { path: ['size'], above: 0 },
      { path: ['size'], atMost: 9 },
      { path: [type.expiresAt ?? 'size'], present: true },
    ];
    const set = [[['extra'], 'x'] as const, [['nested', 'b'], undefined] as const];
    await store.commit([patch(type, 'id-0', { when, set })]);
    await store.commit([patch(type, 'id-0', { set }), check(type, 'id-1', when), remove(type, 'id-2', when)]);
    await store.commit([patch(type, 'nobody', { set }), check(type, 'id-1')]);
    await store.commit([put(type, 'id-3', bodyFor(type, 3))]);
    await store.commit([remove(type, 'id-4')]);
    await store.commit([remove(type, 'id-5', when)]);
    await store.commit([insert(type, 'id-6', bodyFor(type, 6))]);
    await store.commit([insert(type, 'another', bodyFor(type, 7))]);
    for (const field of type.unique) {
      await store.commit([patch(type, 'id-8', { set: [[[field], `other ${field}`]] })]);
      await store.find(type as RecordType<Record<string, unknown>>, field, `${field} 9`);
    }

    await store.get(type, 'id-0');
    for (const newestFirst of [false, true]) {
      for (const index of Object.keys(type.indexes)) {
        await everyPage((after) => store.list(type, index, 'listed', { limit: 5, newestFirst, ...after }));
      }
      await everyPage((after) => store.scan(type, { limit: 5, newestFirst, ...after }));
    }

    const before = clock.ms;
    clock.ms = START_MS + 2_000;
    await store.commit([insert(type, 'id-7', bodyFor(type, 7))]);
    clock.ms = before;
  }

  it('are many, of every kind', () => {
    const kinds = new Set(searches.map(({ collection, sort }) => `${collection}${sort ? ' sorted' : ''}`));

    expect(searches.length).toBeGreaterThan(types.length * 30);
    expect([...kinds].sort()).toEqual([
      ...['claims', 'lasting', 'lasting sorted', 'sessions', 'sessions sorted', 'tokens', 'tokens sorted'],
    ]);
  });

  it('has an index that leads to what it searches, in the order that it asks for', () => {
    const layout = layoutOf(types);

    const without = searches.filter((search) => fittingIndex(search, layout) === undefined);

    expect(without.map((search) => JSON.stringify(search))).toEqual([]);
  });

  it('is planned with that index by the server', { timeout: 120_000 }, async (context) => {
    const beside = { collection: 'tokens', filter: { _id: 1, k: 'thing' } };
    if (stagesOf(await planOf(beside)).includes('COLLSCAN')) {
      return context.skip('this server explains no search by _id and another field together');
    }

    const scanning: string[] = [];
    for (const search of distinct(searches)) {
      const stages = stagesOf(await planOf(search));
      if (stages.includes('COLLSCAN') || stages.includes('SORT')) scanning.push(JSON.stringify(search));
    }
    expect(scanning).toEqual([]);
  });

  async function planOf({ collection, filter, sort }: Search): Promise<Document> {
    const find = { find: collection, filter, ...(sort !== undefined && { sort }) };
    return on.client.db().command({ explain: find, verbosity: 'queryPlanner' });
  }
});

describe('the judgement of searches', () => {
  const layout = layoutOf(contractTypes);
  const inTokens = (filter: Document, sort?: Document) =>
    fittingIndex({ collection: 'tokens', filter, ...(sort && { sort }) }, layout);

  it('knows what an index leads to', () => {
    expect(inTokens({ _id: 1, k: 'thing' })).toBe('_id_');
    expect(inTokens({ k: 'thing', 'b.group': 'g' }, { 'b.rank': -1, i: -1 })).toBe('thing.group');
    expect(inTokens({ $and: [{ k: 'thing' }, { 'b.owner': 'me' }] }, { i: 1 })).toBe('thing.owner');
  });

  it.each([
    ['another field', { k: 'thing', 'b.state': 'x' }, undefined],
    ['a partial index whose type is not said', { 'b.group': 'g' }, undefined],
    ['a range where the index begins', { k: 'thing', 'b.group': { $gt: 'g' } }, undefined],
    ['another order', { k: 'thing', 'b.group': 'g' }, { i: 1 }],
    ['an order in two directions', { k: 'thing', 'b.group': 'g' }, { 'b.rank': 1, i: -1 }],
    ['an alternative', { $or: [{ _id: 1 }, { k: 'thing' }] }, undefined],
    ['a key that is only excluded', { _id: { $ne: 1 } }, undefined],
  ])('finds no index for %s', (_, filter, sort) => {
    expect(inTokens(filter, sort)).toBeUndefined();
  });
});

/** A body with all that the type declares, and some more. */
function bodyFor(type: RecordType<object>, n: number): object {
  const declared = Object.values(type.indexes).flatMap(({ field, orderBy }) => [
    [field, 'listed'],
    ...(orderBy === undefined || n % 3 === 0 ? [] : [[orderBy, n]]),
  ]);
  return {
    size: n,
    nested: { b: 1 },
    ...Object.fromEntries(declared),
    ...Object.fromEntries(type.unique.map((field) => [field, `${field} ${n}`])),
    ...(type.expiresAt !== undefined && { [type.expiresAt]: START_MS + (n === 7 ? 1_000 : 9_000) }),
  };
}

async function everyPage(next: (after: { after?: string }) => Promise<{ next?: string }>): Promise<void> {
  let page = await next({});
  while (page.next !== undefined) page = await next({ after: page.next });
}

function searchesOf({ commandName, command }: CommandStartedEvent): Search[] {
  const collection: unknown = command[commandName];
  if (typeof collection !== 'string') return [];

  const finds: Record<string, () => Document[]> = {
    find: () => [command],
    update: () => command.updates.map(({ q }: Document) => ({ filter: q })),
    delete: () => command.deletes.map(({ q }: Document) => ({ filter: q })),
    insert: () => [],
  };
  // A command that nobody thought of is a search that no index fits.
  const filters = finds[commandName]?.() ?? [{ filter: { unknown: commandName } }];
  return filters.map(({ filter, sort }) => ({ collection, filter, ...(sort !== undefined && { sort }) }));
}

/** By name, the index that a server can use for the search without reading what does not match it. */
function fittingIndex(
  { collection, filter, sort = {} }: Search,
  layout: CollectionLayout[],
): string | undefined {
  const clauses = [filter, ...(filter.$and ?? [])];
  const fixed = Object.assign({}, ...clauses.map(fixedFields));
  if (clauses.some(({ _id }) => isBounded(_id))) {
    return Object.keys(sort).every((field) => field === '_id') ? '_id_' : undefined;
  }

  const indexes = layout.find(({ name }) => name === collection)?.indexes ?? [];
  return indexes.find(({ key, partialFilterExpression: { k } = {} }) => {
    const [first = '', ...rest] = Object.keys(key);
    const directions = new Set(Object.values(sort));
    return (
      first in fixed &&
      (k === undefined || fixed.k === k) &&
      directions.size <= 1 &&
      Object.keys(sort).every((field, place) => field === rest[place])
    );
  })?.name;
}

/** Fields that can only have one value, as far as the filter itself says. */
function fixedFields(filter: Document): Document {
  return Object.fromEntries(
    Object.entries(filter).filter(([field, value]) => !field.startsWith('$') && !isOperator(value)),
  );
}

function isBounded(value: unknown): boolean {
  if (value === undefined) return false;
  return !isOperator(value) || ['$in', '$gt', '$gte'].some((operator) => operator in Object(value));
}

function isOperator(value: unknown): boolean {
  return Object.keys(Object(value))[0]?.startsWith('$') === true;
}

function stagesOf(plan: unknown): string[] {
  if (typeof plan !== 'object' || plan === null) return [];
  return Object.entries(plan).flatMap(([name, value]) =>
    name === 'stage' ? [String(value)] : name === 'rejectedPlans' ? [] : stagesOf(value),
  );
}

/** One search of each shape; the values make no difference to an index. */
function distinct(all: readonly Search[]): Search[] {
  const shapes = all.map((search): [string, Search] => [
    JSON.stringify(search, (_, value: unknown) => (typeof value === 'number' ? 0 : value)),
    search,
  ]);
  return [...new Map(shapes).values()];
}
