import { describe, expect, it } from 'vitest';
import { insert, patch, remove } from '../../src/storage/store.ts';
import type { OpenForContract } from './contract.ts';
import { notes, things } from './contract-types.ts';

export function describeClosing(open: (options?: object) => ReturnType<OpenForContract>): void {
  describe('close', () => {
    it('answers what was asked before', async () => {
      const { store } = await open();

      const commits = Array.from({ length: 50 }, (_, n) => store.commit([insert(things, `t${n}`, {})]));
      const closing = store.close();

      expect(await Promise.all(commits)).toEqual(commits.map(() => ({ committed: true })));
      await closing;
    });

    it('may be called twice', async () => {
      const { store } = await open();

      await Promise.all([store.close(), store.close()]);
      await store.close();
    });

    it('refuses what is asked afterwards as store_unavailable', async () => {
      const { store } = await open();
      await store.close();

      const refused = { code: 'store_unavailable' };
      await expect(store.commit([insert(things, 'a', {})])).rejects.toMatchObject(refused);
      await expect(store.sweep(1)).rejects.toMatchObject(refused);
      await expect(store.get(things, 'a')).rejects.toMatchObject(refused);
      await expect(store.find(things, 'login', 'a')).rejects.toMatchObject(refused);
      await expect(store.scan(things, { limit: 1 })).rejects.toMatchObject(refused);
    });
  });

  describe('opening again', () => {
    it('finds everything as it was left', async (context) => {
      const { store, reopen } = await open();
      if (reopen === undefined) return context.skip('nothing outlives this store');
      await store.commit([
        insert(things, 'a', { login: 'ann', group: 'g', rank: 2 }),
        insert(things, 'b', { login: 'bob', group: 'g', rank: 1 }),
        insert(things, 'c', {}),
        insert(notes, 'n', { text: 'kept' }),
      ]);
      await store.commit([patch(things, 'a', { set: [[['rank'], 0]] }), remove(things, 'c')]);

      const again = await reopen();

      expect(await again.get(things, 'a')).toEqual({ login: 'ann', group: 'g', rank: 0 });
      expect(await again.get(things, 'c')).toBeUndefined();
      expect(await again.get(notes, 'n')).toEqual({ text: 'kept' });
      expect(await again.find(things, 'login', 'bob')).toEqual({ login: 'bob', group: 'g', rank: 1 });
      const { records } = await again.list(things, 'group', 'g', { limit: 10 });
      expect(records.map((thing) => thing.login)).toEqual(['ann', 'bob']);
      const twice = await again.commit([insert(things, 'x', { login: 'ann' })]);
      expect(twice).toMatchObject({ committed: false });
    });
  });
}
