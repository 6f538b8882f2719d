import { describe, expect, it } from 'vitest';
import { insert, type ListOptions, type Page, patch, remove, type Store } from '../../src/storage/store.ts';
import type { OpenForContract } from './contract.ts';
import { type Thing, things } from './contract-types.ts';

/** Every page of a listing, from the first to the last. */
async function pages<Entry>(next: (options: { after?: string }) => Promise<Page<Entry>>): Promise<Entry[][]> {
  const seen: Entry[][] = [];
  let page = await next({});
  seen.push([...page.records]);
  while (page.next !== undefined) {
    page = await next({ after: page.next });
    seen.push([...page.records]);
  }
  return seen;
}

function groupPages(store: Store, options: ListOptions): Promise<Thing[][]> {
  return pages((after) => store.list(things, 'group', 'g', { ...options, ...after }));
}

const names = (records: Thing[][]) => records.map((page) => page.map((thing) => thing.state).join(' '));

export function describeLists(open: (options?: object) => ReturnType<OpenForContract>): void {
  /** Seven records of the group `g`, in an order that is not that of their ids, with ties and no rank at all. */
  async function withGroup(): Promise<Store> {
    const { store } = await open();
    const ranks: [string, number | undefined][] = [
      ['e', 3],
      ['a', 7],
      ['d', 3],
      ['c', 3],
      ['b', undefined],
      ['f', -1.5],
      ['g', undefined],
    ];
    await store.commit([
      ...ranks.map(([id, rank]) =>
        insert(things, id, { group: 'g', owner: 'me', state: id, ...(rank !== undefined && { rank }) }),
      ),
      insert(things, 'other', { group: 'h', rank: 3, state: 'other' }),
      insert(things, 'none', { rank: 3, state: 'none' }),
    ]);
    return store;
  }

  describe('list', () => {
    it('orders by the declared field, then by id; records without the field come first', async () => {
      const store = await withGroup();

      expect(names(await groupPages(store, { limit: 10 }))).toEqual(['b g f c d e a']);
    });

    it('goes the other way round where the newest come first', async () => {
      const store = await withGroup();

      expect(names(await groupPages(store, { limit: 10, newestFirst: true }))).toEqual(['a e d c f g b']);
    });

    it('orders by id where no field is declared', async () => {
      const store = await withGroup();
      const list = (options: object) => store.list(things, 'owner', 'me', { limit: 4, ...options });

      expect(names(await pages(list))).toEqual(['a b c d', 'e f g']);
      const newest = (options: object) => list({ newestFirst: true, ...options });
      expect(names(await pages(newest))).toEqual(['g f e d', 'c b a']);
    });

    it.each([
      [1, false, ['b', 'g', 'f', 'c', 'd', 'e', 'a']],
      [2, false, ['b g', 'f c', 'd e', 'a']],
      [3, true, ['a e d', 'c f g', 'b']],
      [7, false, ['b g f c d e a']],
    ])('goes on after each page of %i, newest first %j', async (limit, newestFirst, expected) => {
      const store = await withGroup();

      expect(names(await groupPages(store, { limit, newestFirst }))).toEqual(expected);
    });

    it('goes on at the same place when records before it come and go', async () => {
      const store = await withGroup();
      const first = await store.list(things, 'group', 'g', { limit: 4 });

      await store.commit([
        remove(things, 'c'),
        insert(things, '0', { group: 'g', rank: -9, state: '0' }),
        patch(things, 'e', { set: [[['rank'], 9]] }),
      ]);
      const rest = await store.list(things, 'group', 'g', { limit: 10, after: first.next ?? '' });

      expect(names([[...first.records], [...rest.records]])).toEqual(['b g f c', 'd a e']);
      expect(rest.next).toBeUndefined();
    });

    it('is empty for a value that nothing has', async () => {
      const { store } = await open();

      expect(await store.list(things, 'group', 'nobody', { limit: 10 })).toEqual({ records: [] });
    });

    it('refuses a limit that is not 1 to 1,000', async () => {
      const { store } = await open();
      const refused = { code: 'invalid_request' };

      for (const limit of [0, -1, 1.5, 1001, Number.NaN, Number.POSITIVE_INFINITY]) {
        await expect(store.list(things, 'group', 'g', { limit })).rejects.toMatchObject(refused);
        await expect(store.scan(things, { limit })).rejects.toMatchObject(refused);
      }
    });

    it('refuses a cursor that is none of its own', async () => {
      const { store } = await open();
      const unreadable = [
        'null',
        '{}',
        '[]',
        '[1,2]',
        '["not a number","a"]',
        '["1","a","b"]',
        '"text"',
        '[',
      ];
      const cursors = ['', 'x', '%', ...unreadable.map((json) => Buffer.from(json).toString('base64url'))];

      for (const after of cursors) {
        const listing = store.list(things, 'group', 'g', { limit: 1, after });
        await expect(listing).rejects.toMatchObject({ code: 'invalid_request' });
        await expect(store.scan(things, { limit: 1, after })).rejects.toMatchObject({
          code: 'invalid_request',
        });
      }
    });

    it('refuses an index that is not declared', async () => {
      const { store } = await open();

      await expect(store.list(things, 'rank', 'g', { limit: 1 })).rejects.toThrow('no index');
      await expect(store.list(things, 'constructor', 'g', { limit: 1 })).rejects.toThrow('no index');
      await expect(store.find(things, 'group', 'g')).rejects.toThrow('no unique field');
    });
  });

  describe('scan', () => {
    it('goes through all records in one order, forwards and backwards', async () => {
      const store = await withGroup();
      const scan = (options: object) => store.scan(things, { limit: 4, ...options });

      const forwards = await pages(scan);
      const backwards = await pages((options) => scan({ newestFirst: true, ...options }));

      expect(forwards.map((page) => page.length)).toEqual([4, 4, 1]);
      expect(backwards.flat()).toEqual(forwards.flat().toReversed());
      const seen = forwards.flat().toSorted((a, b) => a.id.localeCompare(b.id));
      expect(seen.map(({ id }) => id).join(' ')).toBe('a b c d e f g none other');
      expect(seen.every(({ id, body }) => body.state === id)).toBe(true);
    });
  });
}
