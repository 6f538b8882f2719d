import { describe, expect, it } from 'vitest';
import {
  acrMultiFactor,
  acrSingleFactor,
  lowerAcr,
  passwordAuthentication,
} from '../../src/accounts/authentication-levels.ts';

describe('lowerAcr', () => {
  it.each([
    [acrSingleFactor, acrSingleFactor, acrSingleFactor],
    [acrSingleFactor, acrMultiFactor, acrSingleFactor],
    [acrMultiFactor, acrSingleFactor, acrSingleFactor],
    [acrMultiFactor, acrMultiFactor, acrMultiFactor],
    [acrSingleFactor, 'something else', 'something else'],
  ])('of %s and %s is %s', (one, other, lower) => {
    expect(lowerAcr(one, other)).toBe(lower);
  });
});

describe('passwordAuthentication', () => {
  it('counts in whole seconds for OAuth and in milliseconds for us', () => {
    expect(passwordAuthentication(1_700_000_000_999)).toEqual({
      time: 1_700_000_000,
      at: 1_700_000_000_999,
      acr: acrSingleFactor,
      amr: ['pwd'],
    });
  });
});
