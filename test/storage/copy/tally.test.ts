import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, fingerprint, Tally } from '../../../src/storage/copy/tally.ts';

type Entry = readonly [id: string, body: object];

function tallyOf(entries: readonly Entry[]): Tally {
  const tally = new Tally();
  for (const [id, body] of entries) tally.add(fingerprint(id, body));
  return tally;
}

const entries = fc.uniqueArray(fc.tuple(fc.string(), fc.dictionary(fc.string(), fc.jsonValue())), {
  selector: ([id]) => id,
});

describe('Tally', () => {
  it('is the same in whatever order records come', () => {
    fc.assert(
      fc.property(entries, fc.infiniteStream(fc.nat()), (records, random) => {
        const shuffled = [...records].sort(() => (random.next().value % 2) - 0.5);
        expect(tallyOf(shuffled).digest()).toBe(tallyOf(records).digest());
        expect(tallyOf(shuffled).differing(tallyOf(records)).size).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it('names the bucket of each record that is on one side only', () => {
    fc.assert(
      fc.property(entries, fc.nat(), (records, place) => {
        fc.pre(records.length > 0);
        const missing = records[place % records.length]!;
        const left = tallyOf(records.filter((each) => each !== missing));

        const differing = tallyOf(records).differing(left);

        expect([...differing]).toEqual([fingerprint(...missing).bucket]);
        expect(left.digest()).not.toBe(tallyOf(records).digest());
      }),
      { numRuns: 30 },
    );
  });

  it('is as if a record that was removed had never been added', () => {
    const tally = tallyOf([
      ['one', { a: 1 }],
      ['two', { a: 2 }],
    ]);
    tally.remove(fingerprint('one', { a: 1 }));
    expect(tally.digest()).toBe(tallyOf([['two', { a: 2 }]]).digest());
    expect(tally.count).toBe(1);
  });

  it.each<[string, Entry, Entry]>([
    ['the id', ['a', {}], ['b', {}]],
    ['a value', ['a', { x: 1 }], ['a', { x: 2 }]],
    ['the type of a value', ['a', { x: 1 }], ['a', { x: '1' }]],
    ['a key', ['a', { x: 1 }], ['a', { y: 1 }]],
    ['the order of a list', ['a', { x: [1, 2] }], ['a', { x: [2, 1] }]],
    ['null and absence', ['a', { x: null }], ['a', {}]],
    ['an object and the list of its fields', ['a', { x: { y: 1 } }], ['a', { x: [['y', 1]] }]],
    ['where the id ends', ['a{', { x: 1 }], ['a', { x: 1 }]],
    ['a lone surrogate', ['a', { x: '\ud800' }], ['a', { x: '\ufffd' }]],
  ])('tells records apart by %s', (_, one, other) => {
    expect(tallyOf([one]).digest()).not.toBe(tallyOf([other]).digest());
  });
});

describe('canonicalJson', () => {
  it('does not depend on the order of keys at any depth', () => {
    const one = JSON.parse('{"b":{"y":1,"x":[{"q":1,"p":2}]},"a":1,"10":0,"__proto__":2}');
    const other = JSON.parse('{"__proto__":2,"10":0,"a":1,"b":{"x":[{"p":2,"q":1}],"y":1}}');
    expect(canonicalJson(one)).toBe(canonicalJson(other));
  });

  it('keeps `__proto__` as the name that it is', () => {
    expect(canonicalJson(JSON.parse('{"__proto__":1}'))).not.toBe(canonicalJson({}));
  });
});
