import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { masterSecretWeakness } from '../../src/config/master-secret.ts';

describe('masterSecretWeakness', () => {
  it.each([
    ['nothing', '', 'shorter'],
    ['a word', 'changeme', 'shorter'],
    ['31 random characters', 'kZ3v9Qm1Xr7Lw5Tt0Bn8Hc2Yd6Pg4Js', 'shorter'],
    ["OpenIM's default, padded", 'openIM123-kZ3v9Qm1Xr7Lw5Tt0Bn8Hc2', 'placeholder'],
    ['an example', 'replace-me-with-the-output-of-openssl', 'placeholder'],
    ['a word in capitals', 'MySuperSecretKeyForProductionUse2026', 'placeholder'],
    ['digits in order', '01234567890123456789012345678901', 'placeholder'],
    ['one character', 'x'.repeat(64), 'not random'],
    ['zeros', '0'.repeat(64), 'not random'],
    ['a short key, repeated', 'kZ3v9Qm1Xr7Lw5Tt'.repeat(3), 'not random'],
    ['few characters', 'ababababacacacacadadadadaeaeaeaea', 'not random'],
  ])('refuses %s', (_what, secret, words) => {
    expect(masterSecretWeakness(secret)).toContain(words);
  });

  it('accepts random bytes in base64, base64url and hex', () => {
    for (const encoding of ['base64', 'base64url', 'hex'] as const) {
      for (let round = 0; round < 200; round += 1) {
        expect(masterSecretWeakness(randomBytes(32).toString(encoding))).toBeUndefined();
      }
    }
  });
});
