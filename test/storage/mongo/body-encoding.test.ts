import fc from 'fast-check';
import { Binary, BSON } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { bodyOf } from '../../../src/storage/body.ts';
import {
  decodedBody,
  documentPath,
  encodedBody,
  PATH_KEYS_MAX,
} from '../../../src/storage/mongo/body-encoding.ts';

/** Through the bytes that a server would keep. */
function stored(json: string): object {
  const bytes = BSON.serialize({ b: encodedBody(bodyOf(json)) }, { ignoreUndefined: true });
  return decodedBody(BSON.deserialize(bytes).b);
}

const hostileKey = fc.constantFrom(
  ...['', '%', '%25', '%u0041', '.', '$', '$set', '\0', '__proto__', '_id', '_bsontype', 'toBSON', 'toJSON'],
  ...['constructor', 'length', '0', '-1', '\ud800', 'a\udc00\ud800b', '\u{1F600}', '\u{FFFE}', 'a.b$c%d\0e'],
);
const key = fc.oneof(hostileKey, fc.string({ unit: 'binary' }), fc.string());
const text = fc.oneof(hostileKey, fc.string({ unit: 'binary' }));
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);

const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false),
    number,
    fc.integer(),
    text,
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
  ),
}));
const body = fc.dictionary(key, tree, { maxKeys: 6 });

describe('the encoding of bodies', () => {
  it('gives back any body as it was, its keys in their order', () => {
    fc.assert(
      fc.property(body, (value) => {
        const json = JSON.stringify(value);
        expect(JSON.stringify(stored(json))).toBe(json);
      }),
      { seed: 20260102, numRuns: 2_000 },
    );
  });

  it.each([1, PATH_KEYS_MAX - 1, PATH_KEYS_MAX, PATH_KEYS_MAX + 1, 500])(
    'gives back what is nested %i deep',
    (depth) => {
      const json = `${'{"a":'.repeat(depth)}[{"b":1}]${'}'.repeat(depth)}`;

      expect(JSON.stringify(stored(json))).toBe(json);
    },
  );

  it('spells no two keys alike', () => {
    fc.assert(
      fc.property(key, key, (one, other) => {
        expect(documentPath([one]) === documentPath([other])).toBe(one === other);
      }),
      { seed: 20260103, numRuns: 5_000 },
    );
  });

  it('gives every path as many steps as it has keys, none of which means anything to MongoDB', () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 6 }), (path) => {
        const [first, ...steps] = documentPath(path).split('.');
        expect(first).toBe('b');
        expect(steps).toHaveLength(path.length);
        for (const step of steps) {
          expect(step).not.toBe('');
          expect(step).not.toMatch(/[$\0]|^_/);
          expect(step.isWellFormed()).toBe(true);
        }
      }),
      { seed: 20260104, numRuns: 2_000 },
    );
  });

  it.each([
    ['a list', '{"a":[1,{"b":2}]}'],
    ['a text that is no Unicode', '{"a":"\\ud800"}'],
  ])('keeps %s as one opaque value', (_, json) => {
    expect(encodedBody(bodyOf(json)).a).toBeInstanceOf(Binary);
  });

  it('lets paths lead as deep as they may be long, and no further', () => {
    const deep = `${'{"a":'.repeat(PATH_KEYS_MAX + 3)}1${'}'.repeat(PATH_KEYS_MAX + 3)}`;

    let value: unknown = encodedBody(bodyOf(deep));
    for (let depth = 0; depth < PATH_KEYS_MAX; depth += 1) {
      expect(value).not.toBeInstanceOf(Binary);
      value = (value as { a: unknown }).a;
    }
    expect(value).toBeInstanceOf(Binary);
  });
});
