import { describe, expect, it } from 'vitest';
import { type Condition, check, type FieldChange, insert, patch, put } from '../../src/storage/store.ts';
import type { OpenForContract } from './contract.ts';
import { notes, things } from './contract-types.ts';

const won = { committed: true };

const keys = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'https://client.example/cb?a=1',
  'a.b.c',
  '$set',
  '$where',
  '',
  ' ',
  'nul\0inside',
  '"quoted"',
  "'; DROP TABLE thing; --",
  'emoji 👩‍👩‍👧 and ümläut',
  'lone \ud800 surrogate',
  '\u{FFFE}"marked"',
  '0',
  '-1',
];

const texts = [
  ...keys,
  'x'.repeat(1_000_000),
  '\ud800',
  '\udc00\ud800',
  '\ufffd',
  '\u2028\u2029',
  '{"json":true}',
];

export function describeHostileInput(open: (options?: object) => ReturnType<OpenForContract>): void {
  describe('hostile input', () => {
    it('is plain text as a key', async () => {
      const { store } = await open();

      for (const key of keys) {
        const set: FieldChange[] = [
          [['nested', key, 'inner', key], 'deep'],
          [[key], { top: 1 }],
        ];
        const present: Condition[] = [
          { path: ['nested', key, 'inner', key], is: 'deep' },
          { path: [key, 'top'], is: 1 },
        ];
        const absent: Condition = { path: ['nested', key], absent: true };
        await store.commit([put(notes, 'a', { nested: {} })]);

        expect(await store.commit([patch(notes, 'a', { when: [absent], set })])).toEqual(won);
        expect(await store.commit([check(notes, 'a', present)])).toEqual(won);

        const name = JSON.stringify(key);
        const expected = `{"nested":{${name}:{"inner":{${name}:"deep"}}},${name}:{"top":1}}`;
        expect(await store.get(notes, 'a')).toEqual(JSON.parse(expected));
        expect(JSON.stringify(await store.get(notes, 'a'))).toBe(JSON.stringify(JSON.parse(expected)));

        const removal: FieldChange[] = [
          [[key], undefined],
          [['nested', key], undefined],
        ];
        await store.commit([patch(notes, 'a', { set: removal })]);
        expect(JSON.stringify(await store.get(notes, 'a'))).toBe('{"nested":{}}');
      }

      expect(Object.prototype).not.toHaveProperty('inner');
      expect(Object.prototype).not.toHaveProperty('top');
    });

    it('keeps a body whose keys are those of every object', async () => {
      const { store } = await open();
      const text = '{"__proto__":{"admin":true},"constructor":{"prototype":1},"a":{"__proto__":"x"}}';

      await store.commit([insert(notes, 'a', JSON.parse(text)), put(notes, 'b', JSON.parse(text))]);

      const read = await store.get(notes, 'a');
      expect(JSON.stringify(read)).toBe(text);
      expect(JSON.stringify(await store.get(notes, 'b'))).toBe(text);
      expect(read?.admin).toBeUndefined();
    });

    it('is plain text as a value', async () => {
      const { store } = await open();

      for (const text of texts) {
        await store.commit([put(things, 'a', { state: text })]);
        const copy = patch(things, 'a', {
          when: [{ path: ['state'], is: text }],
          set: [[['nested', 'copy'], text]],
        });
        expect(await store.commit([copy])).toEqual(won);
        expect(await store.get(things, 'a')).toEqual({ state: text, nested: { copy: text } });
      }
    });

    it('never takes one text for another, as an id, a unique value or an indexed one', async () => {
      const { store } = await open();

      for (const text of texts) {
        const body = { login: text, group: text, rank: text.length };
        expect(await store.commit([insert(things, text, body)])).toEqual(won);
      }

      for (const text of texts) {
        const body = { login: text, group: text, rank: text.length };
        expect(await store.get(things, text)).toEqual(body);
        expect(await store.find(things, 'login', text)).toEqual(body);
        expect(await store.list(things, 'group', text, { limit: 2 })).toEqual({ records: [body] });
        expect(await store.commit([insert(things, text, {})])).toMatchObject({ committed: false });
        const again = await store.commit([insert(things, 'another', { login: text })]);
        expect(again).toMatchObject({ failed: { cause: 'not_unique' } });
      }
    });

    it('is passed over no record by a scan in small pages', async () => {
      const { store } = await open();
      for (const text of texts) await store.commit([insert(things, text, { state: text })]);

      const seen: unknown[] = [];
      let after: string | undefined;
      do {
        const page = await store.scan(things, { limit: 3, ...(after !== undefined && { after }) });
        expect(page.records.map(({ id }) => id)).toEqual(page.records.map(({ body }) => body.state));
        seen.push(...page.records.map(({ id }) => id));
        after = page.next;
      } while (after !== undefined);

      expect(new Set(seen)).toEqual(new Set(texts));
      expect(seen).toHaveLength(texts.length);
    });

    it('keeps numbers as they are', async () => {
      const { store } = await open();
      const numbers = [0, -1, 0.1, 1e21, 5e-324, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE, 1767225600123];

      await store.commit(numbers.map((rank, n) => insert(things, `n${n}`, { group: 'g', rank })));

      const { records } = await store.list(things, 'group', 'g', { limit: 10 });
      expect(records.map((thing) => thing.rank)).toEqual([...numbers].sort((a, b) => a - b));
    });
  });
}
