import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  deriveKey,
  digest,
  equalSecrets,
  mac,
  open,
  randomCode,
  randomFraction,
  randomKey,
  randomToken,
  seal,
} from '../../src/core/secrets.ts';

const key = Buffer.alloc(32, 7);

describe('seal and open', () => {
  it('gives back what was sealed, under the same key and context', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.string(), (plain, context) => {
        expect(open(key, seal(key, plain, context), context)).toEqual(Buffer.from(plain));
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('never seals to the same text twice', () => {
    expect(seal(key, Buffer.from('a'), 'c')).not.toBe(seal(key, Buffer.from('a'), 'c'));
  });

  const sealed = seal(key, Buffer.from('secret'), 'record 1');
  it.each([
    ['another key', () => open(Buffer.alloc(32, 8), sealed, 'record 1')],
    ['another context', () => open(key, sealed, 'record 2')],
    ['a changed bit', () => open(key, `${sealed.startsWith('A') ? 'B' : 'A'}${sealed.slice(1)}`, 'record 1')],
    ['a cut text', () => open(key, sealed.slice(0, 20), 'record 1')],
    ['nothing', () => open(key, '', 'record 1')],
  ])('refuses %s', (_name, attempt) => {
    expect(attempt).toThrow();
  });
});

describe('digest and mac', () => {
  it('tell lists of parts apart that read the same when joined', () => {
    expect(digest('ab', 'c')).not.toBe(digest('a', 'bc'));
    expect(digest('ab')).not.toBe(digest('ab', ''));
    expect(mac(key, 'ab', 'c')).not.toBe(mac(key, 'a', 'bc'));
  });

  it('are SHA-256 and HMAC-SHA-256 of the parts, each behind its length in UTF-8', () => {
    const framed = Buffer.from('\0\0\0\u0001a\0\0\0\u0003\u20ac\0\0\0\0');

    expect(digest('a', '\u20ac', '')).toBe(createHash('sha256').update(framed).digest('base64url'));
    expect(mac(key, 'a', '\u20ac', '')).toBe(createHmac('sha256', key).update(framed).digest('base64url'));
  });

  it('give the same answer for the same parts', () => {
    expect(mac(key, 'a', 'b')).toBe(mac(key, 'a', 'b'));
    expect(mac(key, 'a')).not.toBe(mac(Buffer.alloc(32, 8), 'a'));
  });
});

describe('equalSecrets', () => {
  it.each([
    ['same', 'same', true],
    ['same', 'sane', false],
    ['same', 'same ', false],
    ['', '', true],
  ])('compares %j with %j', (one, other, expected) => {
    expect(equalSecrets(one, other)).toBe(expected);
  });
});

describe('randomness', () => {
  it('has the size that is asked for', () => {
    expect(Buffer.from(randomToken(24), 'base64url')).toHaveLength(24);
    expect(randomKey()).toHaveLength(32);
  });

  it('never draws the same bytes twice, however many tokens and whatever their length', () => {
    const lengths = [16, 24, 9, 32, 4_000, 12, 5_000];
    const drawn = Array.from({ length: 2_000 }, (_, index) => randomToken(lengths[index % 7] ?? 16));

    expect(new Set(drawn.map((token) => token.slice(0, 12))).size).toBe(2_000);
    expect(drawn.filter((token) => /A{12}/.test(token))).toEqual([]);
  });

  it('draws codes from the alphabet alone', () => {
    expect(randomCode('01', 200)).toMatch(/^[01]{200}$/);
  });

  it('draws fractions from [0, 1)', () => {
    const drawn = Array.from({ length: 1_000 }, randomFraction);

    expect(drawn.every((fraction) => fraction >= 0 && fraction < 1)).toBe(true);
    expect(new Set(drawn).size).toBeGreaterThan(990);
  });
});

describe('deriveKey', () => {
  it('gives each purpose a key of its own', () => {
    expect(deriveKey(key, 'one')).toHaveLength(32);
    expect(deriveKey(key, 'one')).not.toEqual(deriveKey(key, 'two'));
    expect(deriveKey(key, 'one')).toEqual(deriveKey(key, 'one'));
  });
});
