import { describe, expect, it } from 'vitest';
import { insert, patch, put, remove } from '../../src/storage/store.ts';
import type { OpenForContract } from './contract.ts';
import { things } from './contract-types.ts';

const won = { committed: true };
const notUnique = (index: number) => ({ committed: false, failed: { index, cause: 'not_unique' } });

export function describeUniqueness(open: (options?: object) => ReturnType<OpenForContract>): void {
  describe('a unique value', () => {
    it('finds its record', async () => {
      const { store } = await open();
      await store.commit([insert(things, 'a', { login: 'ann', email: 'ann@example.org' })]);

      expect(await store.find(things, 'login', 'ann')).toEqual({ login: 'ann', email: 'ann@example.org' });
      expect(await store.find(things, 'email', 'ann@example.org')).toMatchObject({ login: 'ann' });
      expect(await store.find(things, 'login', 'ANN')).toBeUndefined();
      expect(await store.find(things, 'email', 'ann')).toBeUndefined();
    });

    it('belongs to one record, whichever write would give it to a second', async () => {
      const { store } = await open();
      await store.commit([insert(things, 'a', { login: 'ann' }), insert(things, 'b', { login: 'bob' })]);

      expect(await store.commit([insert(things, 'c', { login: 'ann' })])).toEqual(notUnique(0));
      expect(await store.commit([put(things, 'c', { login: 'ann' })])).toEqual(notUnique(0));
      expect(await store.commit([patch(things, 'b', { set: [[['login'], 'ann']] })])).toEqual(notUnique(0));
      expect(await store.get(things, 'b')).toEqual({ login: 'bob' });
    });

    it('stays with the record that is written again with it', async () => {
      const { store } = await open();
      await store.commit([insert(things, 'a', { login: 'ann' })]);

      expect(await store.commit([put(things, 'a', { login: 'ann', rank: 1 })])).toEqual(won);
      const change = patch(things, 'a', {
        set: [
          [['login'], 'ann'],
          [['rank'], 2],
        ],
      });
      expect(await store.commit([change])).toEqual(won);
      expect(await store.find(things, 'login', 'ann')).toEqual({ login: 'ann', rank: 2 });
    });

    it('is one of its own field and type', async () => {
      const { store } = await open();
      await store.commit([insert(things, 'a', { login: 'same' })]);

      expect(await store.commit([insert(things, 'b', { email: 'same' })])).toEqual(won);
      expect(await store.find(things, 'email', 'same')).toEqual({ email: 'same' });
    });

    it('may be missing in any number of records', async () => {
      const { store } = await open();

      expect(await store.commit([insert(things, 'a', {}), insert(things, 'b', {})])).toEqual(won);
      expect(await store.commit([patch(things, 'a', { set: [[['login'], null]] })])).toEqual(won);
      expect(await store.commit([patch(things, 'b', { set: [[['login'], null]] })])).toEqual(won);
    });

    it('cannot be taken twice in one commit', async () => {
      const { store } = await open();

      const twice = [insert(things, 'a', { login: 'ann' }), insert(things, 'b', { login: 'ann' })];

      expect(await store.commit(twice)).toEqual(notUnique(1));
      expect(await store.find(things, 'login', 'ann')).toBeUndefined();
    });

    it('is not free before the commit that frees it is done', async () => {
      const { store } = await open();
      await store.commit([insert(things, 'a', { login: 'ann' })]);

      const handover = [remove(things, 'a'), insert(things, 'b', { login: 'ann' })];

      expect(await store.commit(handover)).toEqual(notUnique(1));
      expect(await store.find(things, 'login', 'ann')).toEqual({ login: 'ann' });
    });

    it.each([
      ['the removal of its record', remove(things, 'a')],
      ['a patch to another value', patch(things, 'a', { set: [[['login'], 'anna']] })],
      ['a patch that removes it', patch(things, 'a', { set: [[['login'], undefined]] })],
      ['a put without it', put(things, 'a', {})],
    ])('is freed by %s', async (_, freeing) => {
      const { store } = await open();
      await store.commit([insert(things, 'a', { login: 'ann' })]);

      await store.commit([freeing]);

      expect(await store.find(things, 'login', 'ann')).toBeUndefined();
      expect(await store.commit([insert(things, 'b', { login: 'ann', rank: 2 })])).toEqual(won);
      expect(await store.find(things, 'login', 'ann')).toEqual({ login: 'ann', rank: 2 });
    });

    it('is free for a commit of the same moment that comes after the one that frees it', async (context) => {
      const { store, unordered } = await open();
      if (unordered) return context.skip('no commit of the same moment comes after another here');
      await store.commit([insert(things, 'a', { login: 'ann' })]);

      const outcomes = await Promise.all([
        store.commit([insert(things, 'b', { login: 'ann' })]),
        store.commit([remove(things, 'a')]),
        store.commit([insert(things, 'c', { login: 'ann' })]),
        store.commit([insert(things, 'd', { login: 'ann' })]),
      ]);

      expect(outcomes).toEqual([notUnique(0), won, won, notUnique(0)]);
    });
  });
}
