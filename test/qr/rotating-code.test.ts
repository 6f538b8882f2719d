import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomKey } from '../../src/core/secrets.ts';
import type { CodeSource } from '../../src/qr/rotating-code.ts';
import { acceptedCodes, acceptsCode, codeAt, judgeCode } from '../../src/qr/rotating-code.ts';

const MINUTE = 60_000;
const seeded = { seed: 20261101, numRuns: 300 };

function source(fields: Partial<CodeSource> = {}): CodeSource {
  return {
    key: randomKey(),
    direction: 'map',
    id: 'abcdefghijklmnop',
    createdAt: 1_000_000,
    rotateMs: MINUTE,
    ...fields,
  };
}

const elapsed = fc.integer({ min: 0, max: 20 * MINUTE });

describe('codeAt', () => {
  it('gives 132 bits of base64url, the same at every process that has the key', () => {
    const one = source();

    const { code } = codeAt(one, one.createdAt + 5);

    expect(code).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(codeAt({ ...one }, one.createdAt + 59_999).code).toBe(code);
  });

  it('counts down to the rotation and to the end of the code', () => {
    const one = source();

    expect(codeAt(one, one.createdAt + 61_000)).toMatchObject({
      generation: 1,
      rotateInMs: 59_000,
      expiresInMs: 119_000,
    });
  });

  it('gives other codes for the other direction, another id, another key and another minute', () => {
    const one = source();
    const variants = [one, source({ ...one, direction: 'pam' }), source({ ...one, id: 'another' }), source()];

    const codes = variants.map((variant) => codeAt(variant, one.createdAt).code);

    expect(new Set([...codes, codeAt(one, one.createdAt + MINUTE).code]).size).toBe(5);
  });

  it('shows the first code where the clock is behind the one that opened the transaction', () => {
    const one = source();

    expect(codeAt(one, one.createdAt - 3_000).generation).toBe(0);
    expect(acceptsCode(one, codeAt(one, one.createdAt - 3_000).code, one.createdAt)).toBe(true);
  });
});

describe('acceptsCode (I6)', () => {
  it('has at most two valid codes at any time', () => {
    const one = source();
    const everyCode = Array.from(
      { length: 22 },
      (_, minute) => codeAt(one, one.createdAt + minute * MINUTE).code,
    );

    fc.assert(
      fc.property(elapsed, (ms) => {
        const valid = everyCode.filter((code) => acceptsCode(one, code, one.createdAt + ms));
        expect(valid.length).toBeGreaterThanOrEqual(1);
        expect(valid.length).toBeLessThanOrEqual(2);
        expect(acceptedCodes(one, one.createdAt + ms)).toEqual(valid.reverse());
      }),
      seeded,
    );
  });

  it('accepts a code for exactly two minutes from its first moment', () => {
    const one = source();
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 15 }),
        fc.integer({ min: 0, max: 10 * MINUTE }),
        (minute, age) => {
          const bornAt = one.createdAt + minute * MINUTE;
          const { code } = codeAt(one, bornAt);
          expect(acceptsCode(one, code, bornAt + age)).toBe(age < 2 * MINUTE);
        },
      ),
      seeded,
    );
  });

  it('leaves a code a whole minute after it left the screen, whenever it was read', () => {
    const one = source();
    fc.assert(
      fc.property(elapsed, fc.integer({ min: 0, max: MINUTE - 1 }), (readAt, walk) => {
        const read = codeAt(one, one.createdAt + readAt);
        const leftScreenAt = one.createdAt + readAt + read.rotateInMs;
        expect(acceptsCode(one, read.code, leftScreenAt + walk)).toBe(true);
        expect(acceptsCode(one, read.code, leftScreenAt + MINUTE)).toBe(false);
      }),
      seeded,
    );
  });

  it('refuses what was never a code', () => {
    const one = source();
    const { code } = codeAt(one, one.createdAt);

    for (const wrong of ['', code.slice(1), `${code}A`, code.toLowerCase(), 'x'.repeat(22), '\u0000']) {
      expect(acceptsCode(one, wrong, one.createdAt)).toBe(false);
    }
  });
});

describe('judgeCode', () => {
  it('tells a code that came too late from one that was never ours', () => {
    const one = source();
    const first = codeAt(one, one.createdAt).code;
    const third = codeAt(one, one.createdAt + 2 * MINUTE).code;

    expect(judgeCode(one, first, one.createdAt + MINUTE)).toBe('current');
    expect(judgeCode(one, first, one.createdAt + 2 * MINUTE)).toBe('lapsed');
    expect(judgeCode(one, first, one.createdAt + 9 * MINUTE)).toBe('lapsed');
    expect(judgeCode(one, third, one.createdAt)).toBe('unknown');
    expect(judgeCode(one, 'nonsense', one.createdAt)).toBe('unknown');
  });
});
