import { describe, expect, it } from 'vitest';
import { check, insert, patch, put, remove } from '../../src/storage/store.ts';
import type { OpenForContract } from './contract.ts';
import { notes, things } from './contract-types.ts';

const won = { committed: true };
const lost = (cause: string) => ({ committed: false, failed: { index: 0, cause } });

export function describeExpiry(open: (options?: object) => ReturnType<OpenForContract>): void {
  /** A store with a record `a` that expired this very millisecond, and a record `b` that lives one more. */
  async function withExpired() {
    const harness = await open();
    const { store, clock } = harness;
    const until = clock.now() + 1000;
    await store.commit([
      insert(things, 'a', { login: 'ann', group: 'g', rank: 1, until }),
      insert(things, 'b', { login: 'bob', group: 'g', rank: 2, until: until + 1 }),
    ]);
    clock.advance(1000);
    return harness;
  }

  describe('a record past its expiry', () => {
    it('lives until the millisecond before', async () => {
      const { store, clock } = await open();
      await store.commit([insert(things, 'a', { until: clock.now() + 1000 })]);

      clock.advance(999);
      expect(await store.get(things, 'a')).toBeDefined();
      expect(await store.commit([check(things, 'a')])).toEqual(won);

      clock.advance(1);
      expect(await store.get(things, 'a')).toBeUndefined();
      expect(await store.commit([check(things, 'a')])).toEqual(lost('missing'));
    });

    it('is in no read', async () => {
      const { store } = await withExpired();

      expect(await store.get(things, 'a')).toBeUndefined();
      expect(await store.find(things, 'login', 'ann')).toBeUndefined();
      expect(await store.list(things, 'group', 'g', { limit: 1 })).toEqual({
        records: [expect.objectContaining({ login: 'bob' })],
      });
      expect((await store.scan(things, { limit: 10 })).records).toHaveLength(1);
    });

    it('is absent to every precondition', async () => {
      const { store } = await withExpired();

      expect(await store.commit([patch(things, 'a', { set: [[['rank'], 3]] })])).toEqual(lost('missing'));
      expect(await store.commit([check(things, 'a')])).toEqual(lost('missing'));
      const conditional = remove(things, 'a', [{ path: ['rank'], is: 1 }]);
      expect(await store.commit([conditional])).toEqual(lost('missing'));
      expect(await store.commit([remove(things, 'a')])).toEqual(won);
    });

    it('cannot be brought back by a patch of its expiry', async () => {
      const { store, clock } = await withExpired();

      const revival = patch(things, 'a', { set: [[['until'], clock.now() + 5000]] });

      expect(await store.commit([revival])).toEqual(lost('missing'));
    });

    it('gives way to an insert of the same id, of which nothing of it remains', async () => {
      const { store } = await withExpired();

      expect(await store.commit([insert(things, 'a', { group: 'other' })])).toEqual(won);

      expect(await store.get(things, 'a')).toEqual({ group: 'other' });
      expect(await store.find(things, 'login', 'ann')).toBeUndefined();
      expect((await store.list(things, 'group', 'g', { limit: 10 })).records).toHaveLength(1);
    });

    it.each([
      ['insert', insert(things, 'c', { login: 'ann' })],
      ['put', put(things, 'c', { login: 'ann' })],
      ['patch', patch(things, 'b', { set: [[['login'], 'ann']] })],
    ])('frees its unique values for %s', async (_, write) => {
      const { store } = await withExpired();

      expect(await store.commit([write])).toEqual(won);

      expect(await store.find(things, 'login', 'ann')).toMatchObject({ login: 'ann' });
    });

    it('is replaced and gives away its unique value in one commit', async () => {
      const { store } = await withExpired();

      const outcome = await store.commit([
        insert(things, 'a', { login: 'another' }),
        insert(things, 'c', { login: 'ann', rank: 9 }),
      ]);

      expect(outcome).toEqual(won);
      expect(await store.get(things, 'a')).toEqual({ login: 'another' });
      expect(await store.find(things, 'login', 'ann')).toEqual({ login: 'ann', rank: 9 });
    });

    it('stays where it is when the commit that would replace it fails', async () => {
      const { store, sweepsItself } = await withExpired();

      const outcome = await store.commit([insert(things, 'c', { login: 'ann' }), check(things, 'x')]);

      expect(outcome).toEqual({ committed: false, failed: { index: 1, cause: 'missing' } });
      expect(await store.sweep(10)).toBe(sweepsItself ? 0 : 1);
    });

    it('may get its expiry, or lose it, by a patch while it lives', async () => {
      const { store, clock } = await open();
      const until = clock.now() + 1000;
      await store.commit([insert(things, 'a', {}), insert(things, 'b', { until })]);

      await store.commit([
        patch(things, 'a', { set: [[['until'], until]] }),
        patch(things, 'b', { set: [[['until'], undefined]] }),
      ]);
      clock.advance(1000);

      expect(await store.get(things, 'a')).toBeUndefined();
      expect(await store.get(things, 'b')).toEqual({});
    });
  });

  describe('sweep', () => {
    it('has nothing to do where the database sweeps by itself', async (context) => {
      const { store, sweepsItself } = await withExpired();
      if (!sweepsItself) return context.skip('this database leaves it to the store');

      expect(await store.sweep(1000)).toBe(0);
      expect(await store.get(things, 'a')).toBeUndefined();
    });

    it('removes what has expired and nothing else', async (context) => {
      const { store, clock, sweepsItself } = await withExpired();
      if (sweepsItself) return context.skip('this database sweeps by itself');
      await store.commit([insert(things, 'c', {}), insert(notes, 'n', { until: 1 })]);

      expect(await store.sweep(1000)).toBe(1);
      expect(await store.sweep(1000)).toBe(0);

      clock.advance(1);
      expect(await store.sweep(1000)).toBe(1);
      expect(await store.get(things, 'c')).toEqual({});
      expect(await store.get(notes, 'n')).toEqual({ until: 1 });
    });

    it('removes no more than it is told', async (context) => {
      const { store, clock, sweepsItself } = await open();
      if (sweepsItself) return context.skip('this database sweeps by itself');
      const until = clock.now() + 1;
      const expiring = Array.from({ length: 250 }, (_, n) => insert(things, `t${n}`, { until }));
      await store.commit(expiring);
      clock.advance(1);

      expect(await store.sweep(0)).toBe(0);
      expect(await store.sweep(130)).toBe(130);
      expect(await store.sweep(1000)).toBe(120);
    });
  });
}
