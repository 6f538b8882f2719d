import { describe, expect, it } from 'vitest';
import { isFresh } from '../../../src/web/api/qr-granting.ts';

describe('isFresh', () => {
  it('is a sign-in of at most five minutes ago', () => {
    const signedInAt = 1_700_000_000;

    expect(isFresh(signedInAt, signedInAt * 1000)).toBe(true);
    expect(isFresh(signedInAt, signedInAt * 1000 + 300_000)).toBe(true);
    expect(isFresh(signedInAt, signedInAt * 1000 + 300_001)).toBe(false);
  });

  it('is one that a faster clock has dated a little ahead', () => {
    expect(isFresh(1_700_000_001, 1_700_000_000_000)).toBe(true);
  });
});
