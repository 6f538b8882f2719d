import fc from 'fast-check';
import { decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';
import type { SessionId } from '../../src/core/ids.ts';
import {
  formatRefreshToken,
  parseRefreshToken,
  type RefreshTokenParts,
  refreshTokenMac,
  tokenNumberMax,
  verifyRefreshToken,
} from '../../src/sessions/refresh-token.ts';

const key = Buffer.alloc(32, 7);
const parts: RefreshTokenParts = {
  sessionId: 'ses_AAAAAAAAAAAAAAAAAAAAAA' as SessionId,
  app: 0,
  chain: 3,
  serial: 12,
  kid: '2',
  salt: 'salt-of-the-chain',
};
const token = formatRefreshToken(parts, key);

const base64url = fc.constantFrom(...'ABCXYZabcxyz0189-_');
const anyParts: fc.Arbitrary<RefreshTokenParts> = fc.record({
  sessionId: fc
    .string({ unit: base64url, minLength: 22, maxLength: 22 })
    .map((id) => `ses_${id}` as SessionId),
  app: fc.nat({ max: tokenNumberMax }),
  chain: fc.nat({ max: tokenNumberMax }),
  serial: fc.integer({ min: 1, max: tokenNumberMax }),
  kid: fc.string({ unit: base64url, minLength: 1, maxLength: 32 }),
  salt: fc.string(),
});
const settings = { seed: 20_260_301, numRuns: 300 };

describe('formatRefreshToken', () => {
  it('writes place, key id and MAC behind a prefix that a scanner of leaked secrets knows', () => {
    expect(token).toMatch(/^rt_A{22}\.0\.3\.12\.2\.[A-Za-z0-9_-]{43}$/);
  });

  it('writes nothing that looks like a JWT or whose first segment is JSON', () => {
    fc.assert(
      fc.property(anyParts, (some) => {
        const [first = ''] = formatRefreshToken(some, key).split('.');
        expect(() => JSON.parse(Buffer.from(first, 'base64url').toString())).toThrow();
      }),
      settings,
    );
    expect(() => decodeProtectedHeader(token)).toThrow();
  });

  it.each([
    ['a serial of 0', { serial: 0 }],
    ['a fraction', { chain: 1.5 }],
    ['a negative number', { app: -1 }],
    ['a number from 2^31 on', { serial: 2 ** 31 }],
    ['a key id with a dot', { kid: 'refresh.1' }],
    ['an empty key id', { kid: '' }],
    ['another kind of id', { sessionId: 'acc_AAAAAAAAAAAAAAAAAAAAAA' as SessionId }],
  ])('refuses to write %s', (_, odd) => {
    expect(() => formatRefreshToken({ ...parts, ...odd }, key)).toThrow('parts that it can carry');
  });
});

describe('parseRefreshToken', () => {
  it('reads back what was written, and only that spelling of it', () => {
    fc.assert(
      fc.property(anyParts, (some) => {
        const text = formatRefreshToken(some, key);
        const { salt, ...place } = some;
        const parsed = parseRefreshToken(text);

        expect(text.length).toBeLessThanOrEqual(160);
        expect(parsed).toEqual({ ...place, mac: refreshTokenMac(some, key) });
        expect(parsed && verifyRefreshToken(parsed, { salt }, key)).toBe(true);
      }),
      settings,
    );
  });

  const mac = token.slice(-43);
  const session = 'rt_AAAAAAAAAAAAAAAAAAAAAA';
  it.each([
    ['nothing', ''],
    ['a session id', parts.sessionId],
    ['four dots', '....'],
    ['five dots', '.....'],
    ['dotted words', 'a.b.c.d'],
    ['a JWT', 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl'],
    ['another prefix', token.replace('rt_', 'at_')],
    ['a session id too short', token.replace('rt_A', 'rt_')],
    ['a session id too long', token.replace('rt_', 'rt_A')],
    ['a leading zero', `${session}.0.3.012.2.${mac}`],
    ['a zero before an app', `${session}.00.3.12.2.${mac}`],
    ['a plus', `${session}.0.3.+12.2.${mac}`],
    ['a minus', `${session}.0.3.-12.2.${mac}`],
    ['an exponent', `${session}.0.3.1e1.2.${mac}`],
    ['a hexadecimal number', `${session}.0.3.0x1.2.${mac}`],
    ['a blank', `${session}.0.3. 12.2.${mac}`],
    ['digits of another script', `${session}.0.3.١٢.2.${mac}`],
    ['a serial of 0', `${session}.0.3.0.2.${mac}`],
    ['a serial of 2^31', `${session}.0.3.2147483648.2.${mac}`],
    ['a chain of ten nines', `${session}.0.9999999999.1.2.${mac}`],
    ['an app that rounds', `${session}.99999999999999999999.3.1.2.${mac}`],
    ['an empty key id', `${session}.0.3.12..${mac}`],
    ['a key id that is too long', `${session}.0.3.12.${'k'.repeat(33)}.${mac}`],
    ['a MAC too short', token.slice(0, -1)],
    ['a MAC too long', `${token}A`],
    ['a padded MAC', `${token}=`],
    ['a MAC in plain base64', `${token.slice(0, -43)}${'+'.repeat(43)}`],
    ['a line feed behind it', `${token}\n`],
    ['a blank before it', ` ${token}`],
    ['a seventh segment', `${token}.x`],
    ['40 kB', token.repeat(400)],
    ['a NUL', token.replace('.0.', '.0\0.')],
  ])('refuses %s', (_, text) => {
    expect(parseRefreshToken(text)).toBeUndefined();
  });

  it('decides on any text without throwing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
        expect(parseRefreshToken(text)).toBeUndefined();
      }),
      settings,
    );
  });
});

describe('verifyRefreshToken', () => {
  const parsed = parseRefreshToken(token);
  if (!parsed) throw new Error('the token of this test has the right shape');

  it.each([
    ['session', { sessionId: 'ses_BAAAAAAAAAAAAAAAAAAAAA' as SessionId }],
    ['app', { app: 1 }],
    ['chain', { chain: 4 }],
    ['serial', { serial: 13 }],
    ['key id', { kid: '3' }],
    ['MAC', { mac: `B${parsed.mac.slice(1)}` }],
  ])('refuses the token with another %s', (_, change) => {
    expect(verifyRefreshToken({ ...parsed, ...change }, parts, key)).toBe(false);
  });

  it('refuses it under another key and for a chain with another salt', () => {
    expect(verifyRefreshToken(parsed, parts, key)).toBe(true);
    expect(verifyRefreshToken(parsed, parts, Buffer.alloc(32, 8))).toBe(false);
    expect(verifyRefreshToken(parsed, { salt: 'another' }, key)).toBe(false);
  });

  it('refuses a MAC that decodes to the same bytes but is spelt differently', () => {
    const bytes = Buffer.from(parsed.mac, 'base64url');
    const twin = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
      .map((last) => parsed.mac.slice(0, -1) + last)
      .find((mac) => mac !== parsed.mac && Buffer.from(mac, 'base64url').equals(bytes));

    expect(twin).toBeDefined();
    expect(verifyRefreshToken({ ...parsed, mac: twin ?? '' }, parts, key)).toBe(false);
  });
});
