import { describe, expect, it } from 'vitest';
import {
  type Condition,
  check,
  insert,
  patch,
  put,
  remove,
  type Store,
  type Write,
} from '../../src/storage/store.ts';
import type { OpenForContract } from './contract.ts';
import { notes, type Thing, things } from './contract-types.ts';

const won = { committed: true };

function lost(index: number, cause: string, condition?: Condition) {
  return { committed: false, failed: { index, cause, ...(condition && { condition }) } };
}

async function holding(store: Store, records: Record<string, Thing>): Promise<Store> {
  await store.commit(Object.entries(records).map(([id, body]) => insert(things, id, body)));
  return store;
}

export function describeCommits(open: (options?: object) => ReturnType<OpenForContract>): void {
  describe('insert', () => {
    it('makes a record that reads return as it was given', async () => {
      const { store } = await open();
      const body: Thing = {
        login: 'ann',
        rank: 1,
        state: null,
        tags: ['a', 'b'],
        nested: { deep: { x: 1 } },
      };

      expect(await store.commit([insert(things, 'a', body)])).toEqual(won);
      expect(await store.get(things, 'a')).toEqual(body);
    });

    it('fails where the record is there already, and leaves it as it is', async () => {
      const store = await holding((await open()).store, { a: { rank: 1 } });

      expect(await store.commit([insert(things, 'a', { rank: 2 })])).toEqual(lost(0, 'exists'));
      expect(await store.get(things, 'a')).toEqual({ rank: 1 });
    });

    it('keeps records of different types apart', async () => {
      const store = await holding((await open()).store, { a: { rank: 1 } });

      expect(await store.commit([insert(notes, 'a', { text: 'hello' })])).toEqual(won);
      expect(await store.get(notes, 'a')).toEqual({ text: 'hello' });
      expect(await store.get(things, 'a')).toEqual({ rank: 1 });
    });

    it('stores the body as it was when commit was called', async () => {
      const { store } = await open();
      const body: Thing = { tags: ['before'] };

      const committing = store.commit([insert(things, 'a', body)]);
      body.tags?.push('after');
      await committing;

      expect(await store.get(things, 'a')).toEqual({ tags: ['before'] });
    });
  });

  describe('get', () => {
    it('returns undefined for what is not there', async () => {
      const { store } = await open();

      expect(await store.get(things, 'nothing')).toBeUndefined();
      expect(await store.find(things, 'login', 'nobody')).toBeUndefined();
    });

    it('returns an object of its own each time', async () => {
      const store = await holding((await open()).store, { a: { tags: ['kept'] } });

      const first = await store.get(things, 'a');
      first?.tags?.push('mine alone');

      expect(await store.get(things, 'a')).toEqual({ tags: ['kept'] });
    });

    it('sees every commit that was answered before', async () => {
      const { store } = await open();
      await store.commit([insert(things, 'a', { count: 0 })]);

      for (let count = 1; count <= 20; count += 1) {
        await store.commit([patch(things, 'a', { set: [[['count'], count]] })]);
        expect(await store.get(things, 'a')).toEqual({ count });
      }
    });
  });

  describe('put', () => {
    it('makes a record or replaces it whole', async () => {
      const { store } = await open();

      expect(await store.commit([put(things, 'a', { rank: 1, group: 'g' })])).toEqual(won);
      expect(await store.commit([put(things, 'a', { state: 'new' })])).toEqual(won);

      expect(await store.get(things, 'a')).toEqual({ state: 'new' });
      expect(await store.list(things, 'group', 'g', { limit: 10 })).toEqual({ records: [] });
    });
  });

  describe('patch', () => {
    it('sets and removes fields at any depth and leaves the others alone', async () => {
      const store = await holding((await open()).store, {
        a: { rank: 1, state: 'old', nested: { apps: { 1: { name: 'one' }, 2: { name: 'two' } } } },
      });

      const outcome = await store.commit([
        patch(things, 'a', {
          set: [
            [['state'], 'new'],
            [['nested', 'apps', '1', 'name'], 'uno'],
            [['nested', 'apps', '2'], undefined],
            [
              ['nested', 'made', 'on', 'the way'],
              [1, 2],
            ],
            [['nested', 'nothing', 'here'], undefined],
          ],
        }),
      ]);

      expect(outcome).toEqual(won);
      expect(await store.get(things, 'a')).toEqual({
        rank: 1,
        state: 'new',
        nested: { apps: { 1: { name: 'uno' } }, made: { on: { 'the way': [1, 2] } } },
      });
    });

    it('applies its changes in their order', async () => {
      const store = await holding((await open()).store, { a: {} });

      const set: Parameters<typeof patch>[2]['set'] = [
        [['nested', 'a'], 1],
        [['nested'], { b: 2 }],
        [['nested', 'c'], 3],
      ];
      await store.commit([patch(things, 'a', { set })]);

      expect(await store.get(things, 'a')).toEqual({ nested: { b: 2, c: 3 } });
    });

    it('fails where there is no record', async () => {
      const { store } = await open();

      const outcome = await store.commit([patch(things, 'a', { set: [[['rank'], 1]] })]);

      expect(outcome).toEqual(lost(0, 'missing'));
      expect(await store.get(things, 'a')).toBeUndefined();
    });

    it('moves the record in the lists that its fields are in', async () => {
      const store = await holding((await open()).store, {
        a: { group: 'red', rank: 1 },
        b: { group: 'red', rank: 2 },
      });

      await store.commit([patch(things, 'a', { set: [[['rank'], 3]] })]);
      await store.commit([patch(things, 'b', { set: [[['group'], 'blue']] })]);

      const red = await store.list(things, 'group', 'red', { limit: 10 });
      const blue = await store.list(things, 'group', 'blue', { limit: 10 });
      expect(red.records).toEqual([{ group: 'red', rank: 3 }]);
      expect(blue.records).toEqual([{ group: 'blue', rank: 2 }]);
    });

    it('never leads through a value that is no object', async () => {
      const store = await holding((await open()).store, { a: { state: 'text', rank: 1 } });

      const change = patch(things, 'a', {
        set: [
          [['rank'], 2],
          [['state', 'inner'], 1],
        ],
      });

      await expect(store.commit([change])).rejects.toMatchObject({ code: 'store_unavailable' });
      expect(await store.get(things, 'a')).toEqual({ state: 'text', rank: 1 });
    });
  });

  describe('remove', () => {
    it('removes the record', async () => {
      const store = await holding((await open()).store, { a: { rank: 1 } });

      expect(await store.commit([remove(things, 'a')])).toEqual(won);
      expect(await store.get(things, 'a')).toBeUndefined();
    });

    it('does not mind that there is none, unless it has a condition', async () => {
      const { store } = await open();

      expect(await store.commit([remove(things, 'a')])).toEqual(won);
      const conditional = remove(things, 'a', [{ path: ['rank'], is: 1 }]);
      expect(await store.commit([conditional])).toEqual(lost(0, 'missing'));
    });

    it('leaves a record whose condition fails', async () => {
      const store = await holding((await open()).store, { a: { rank: 1 } });
      const condition: Condition = { path: ['rank'], is: 2 };

      expect(await store.commit([remove(things, 'a', [condition])])).toEqual(lost(0, 'condition', condition));
      expect(await store.get(things, 'a')).toEqual({ rank: 1 });
    });
  });

  describe('check', () => {
    it('holds a commit to a record that it leaves alone', async () => {
      const store = await holding((await open()).store, { a: { state: 'live' } });
      const live: Condition = { path: ['state'], is: 'live' };

      expect(await store.commit([check(things, 'a', [live]), insert(things, 'b', {})])).toEqual(won);
      expect(await store.commit([check(things, 'b', [live]), insert(things, 'c', {})])).toEqual(
        lost(0, 'condition', live),
      );
      expect(await store.commit([insert(things, 'c', {}), check(things, 'd')])).toEqual(lost(1, 'missing'));
      expect(await store.get(things, 'a')).toEqual({ state: 'live' });
      expect(await store.get(things, 'c')).toBeUndefined();
    });
  });

  describe('a condition', () => {
    const body: Thing = {
      state: null,
      rank: 5,
      login: 'ann',
      tags: ['x'],
      nested: { yes: true, deep: { n: 1.5 } },
    };
    const table: [holds: boolean, condition: Condition][] = [
      [true, { path: ['login'], is: 'ann' }],
      [false, { path: ['login'], is: 'Ann' }],
      [true, { path: ['rank'], is: 5 }],
      [false, { path: ['rank'], is: '5' }],
      [true, { path: ['nested', 'yes'], is: true }],
      [false, { path: ['nested', 'yes'], is: 1 }],
      [true, { path: ['state'], is: null }],
      [false, { path: ['email'], is: null }],
      [false, { path: ['nested'], is: 'object' }],
      [true, { path: ['email'], absent: true }],
      [false, { path: ['state'], absent: true }],
      [true, { path: ['login', 'length'], absent: true }],
      [true, { path: ['tags', 'length'], absent: true }],
      [true, { path: ['tags', '0'], absent: true }],
      [true, { path: ['nobody', 'home'], absent: true }],
      [true, { path: ['state'], present: true }],
      [true, { path: ['nested', 'deep'], present: true }],
      [false, { path: ['nested', 'other'], present: true }],
      [true, { path: ['rank'], above: 4.9 }],
      [false, { path: ['rank'], above: 5 }],
      [false, { path: ['login'], above: 0 }],
      [false, { path: ['email'], above: -1 }],
      [false, { path: ['state'], above: -1 }],
      [true, { path: ['rank'], atMost: 5 }],
      [true, { path: ['nested', 'deep', 'n'], atMost: 1.5 }],
      [false, { path: ['rank'], atMost: 4 }],
      [false, { path: ['login'], atMost: 9 }],
      [false, { path: ['email'], atMost: 9 }],
      [false, { path: ['state'], atMost: 9 }],
    ];

    it('holds by the value at its path, which only a field of an object is', async () => {
      const store = await holding((await open()).store, { a: body });

      for (const [holds, condition] of table) {
        const outcome = await store.commit([check(things, 'a', [condition])]);
        expect([condition, outcome]).toEqual([condition, holds ? won : lost(0, 'condition', condition)]);
      }
    });

    it('is named when it is the one of several that fails', async () => {
      const store = await holding((await open()).store, { a: body });
      const fails: Condition = { path: ['nested', 'yes'], is: false };

      const when: Condition[] = [{ path: ['rank'], is: 5 }, fails, { path: ['rank'], is: 6 }];

      const outcome = await store.commit([patch(things, 'a', { when, set: [[['rank'], 7]] })]);
      expect(outcome).toEqual(lost(0, 'condition', fails));
    });
  });

  describe('several writes', () => {
    const table: [what: string, failing: Write, cause: string, condition?: Condition][] = [
      ['an insert', insert(things, 'b', {}), 'exists'],
      ['a patch', patch(things, 'x', { set: [] }), 'missing'],
      ['a check', check(things, 'x'), 'missing'],
      [
        'a condition',
        check(things, 'b', [{ path: ['rank'], is: 9 }]),
        'condition',
        { path: ['rank'], is: 9 },
      ],
      ['a unique value', insert(things, 'x', { login: 'bob' }), 'not_unique'],
    ];

    it.each(table)(
      'change nothing when the last of them fails by %s',
      async (_, failing, cause, condition) => {
        const store = await holding((await open()).store, { a: { rank: 1 }, b: { login: 'bob' }, c: {} });

        const outcome = await store.commit([
          insert(things, 'new', { rank: 9 }),
          patch(things, 'a', { set: [[['rank'], 2]] }),
          remove(things, 'c'),
          put(notes, 'n', { text: 'new' }),
          failing,
        ]);

        expect(outcome).toEqual(lost(4, cause, condition));
        expect(await store.get(things, 'new')).toBeUndefined();
        expect(await store.get(things, 'a')).toEqual({ rank: 1 });
        expect(await store.get(things, 'c')).toEqual({});
        expect(await store.get(notes, 'n')).toBeUndefined();
      },
    );

    it('are all there when none fails', async () => {
      const store = await holding((await open()).store, { a: { rank: 1 }, b: { login: 'bob' }, c: {} });

      const outcome = await store.commit([
        insert(things, 'new', { rank: 9 }),
        patch(things, 'a', { set: [[['rank'], 2]] }),
        remove(things, 'c'),
        put(notes, 'n', { text: 'new' }),
      ]);

      expect(outcome).toEqual(won);
      expect(await store.get(things, 'new')).toEqual({ rank: 9 });
      expect(await store.get(things, 'a')).toEqual({ rank: 2 });
      expect(await store.get(things, 'c')).toBeUndefined();
      expect(await store.get(notes, 'n')).toEqual({ text: 'new' });
    });

    it('answer with the first that fails', async () => {
      const store = await holding((await open()).store, { a: {} });

      const outcome = await store.commit([
        check(things, 'a'),
        check(things, 'x'),
        insert(things, 'a2', {}),
        check(things, 'y'),
      ]);

      expect(outcome).toEqual(lost(1, 'missing'));
    });

    it('may be none', async () => {
      const { store } = await open();

      expect(await store.commit([])).toEqual(won);
    });

    it('may be 500 and no more', async () => {
      const { store } = await open();
      const inserts = (count: number) =>
        Array.from({ length: count }, (_, n) => insert(things, `t${n}`, { group: 'g' }));

      await expect(store.commit(inserts(501))).rejects.toThrow('at most 500 writes');
      expect(await store.commit(inserts(500))).toEqual(won);

      const { records } = await store.list(things, 'group', 'g', { limit: 1000 });
      expect(records).toHaveLength(500);
    });

    it('are refused where two of them are about one record', async () => {
      const { store } = await open();

      const twice = store.commit([insert(things, 'a', {}), patch(things, 'a', { set: [] })]);

      await expect(twice).rejects.toThrow('one write for each record');
      expect(await store.commit([insert(things, 'a', {}), insert(notes, 'a', {})])).toEqual(won);
    });
  });
}
