import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loginKey, normalizeEmail, normalizeUsername } from '../../src/accounts/login.ts';

const seed = 20_260_103;

describe('normalizeEmail', () => {
  it.each([
    ['Alice@Example.COM', 'alice@example.com'],
    ['  alice@example.com\t', 'alice@example.com'],
    ['ａｌｉｃｅ＠ｅｘａｍｐｌｅ．ｃｏｍ', 'alice@example.com'],
    ['alice+news@mail.example.co.uk', 'alice+news@mail.example.co.uk'],
    ["o'hara@example.com", "o'hara@example.com"],
    ['alice@bücher.example', 'alice@xn--bcher-kva.example'],
    ['alice@XN--BCHER-KVA.example', 'alice@xn--bcher-kva.example'],
    ['li@例え.jp', 'li@xn--r8jz45g.jp'],
    ['\u212Aate@example.com', 'kate@example.com'],
    [`${'a'.repeat(64)}@example.com`, `${'a'.repeat(64)}@example.com`],
  ])('writes %j as %s', (typed, canonical) => {
    expect(normalizeEmail(typed)).toBe(canonical);
  });

  it.each([
    '',
    'alice',
    '@example.com',
    'alice@',
    'alice@localhost',
    'alice@@example.com',
    'alice@example..com',
    'alice@.example.com',
    'alice@example.com.',
    'alice@-example.com',
    'alice@example-.com',
    'alice@exa_mple.com',
    'alice@exam ple.com',
    'alice@example.com/path',
    'alice@ex%61mple.com',
    'alice@127.0.0.1',
    'alice@[127.0.0.1]',
    'alice@1.2',
    '.alice@example.com',
    'alice.@example.com',
    'al..ice@example.com',
    'al ice@example.com',
    '"al ice"@example.com',
    'alıce@example.com',
    'alice@example.com\r\nBcc: eve@example.com',
    'alice@example.com,eve@example.com',
    'Alice <alice@example.com>',
    'al\u0000ice@example.com',
    'al\u200Bice@example.com',
    `${'a'.repeat(65)}@example.com`,
    `a@${'b'.repeat(64)}.com`,
    `a@${'b.'.repeat(130)}com`,
    `${'a'.repeat(1_000)}@example.com`,
  ])('refuses %j', (typed) => {
    expect(normalizeEmail(typed)).toBeUndefined();
  });

  it('leaves what it has made as it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.emailAddress(), fc.string({ unit: 'grapheme' })), (typed) => {
        const canonical = normalizeEmail(typed);
        if (canonical !== undefined) expect(normalizeEmail(canonical)).toBe(canonical);
      }),
      { seed, numRuns: 500 },
    );
  });

  it('makes one address of every spelling of it', () => {
    fc.assert(
      fc.property(fc.emailAddress(), fc.infiniteStream(fc.boolean()), (email, coins) => {
        const shouted = [...email]
          .map((letter) => (coins.next().value ? letter.toUpperCase() : letter))
          .join('');
        expect(normalizeEmail(` ${shouted} `)).toBe(normalizeEmail(email));
      }),
      { seed },
    );
  });

  it('lets nothing but visible ASCII through', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (local, domain) => {
        const canonical = normalizeEmail(`${local}@${domain}.example`);
        expect(canonical ?? 'a@b.example').toMatch(/^[!-~]+$/);
      }),
      { seed, numRuns: 100 },
    );
  });
});

describe('normalizeUsername', () => {
  it.each([
    ['Alice', 'alice'],
    [' bob_the-2nd ', 'bob_the-2nd'],
    ['李小龙', '李小龙'],
    ['ＢＯＢ', 'bob'],
    ['Ünal', 'ünal'],
    ['U\u0308nal', 'ünal'],
    ['\u0130\u0323x', '\u1ecb\u0307x'],
  ])('writes %j as %s', (typed, canonical) => {
    expect(normalizeUsername(typed)).toBe(canonical);
  });

  it.each([
    '',
    'a',
    '.alice',
    '-a',
    'al ice',
    'alice@home',
    'al/ice',
    'al\u0000ice',
    'x'.repeat(65),
    '\u202Ealice',
  ])('refuses %j', (typed) => {
    expect(normalizeUsername(typed)).toBeUndefined();
  });

  it('leaves what it has made as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (typed) => {
        const canonical = normalizeUsername(typed);
        if (canonical !== undefined) expect(normalizeUsername(canonical)).toBe(canonical);
      }),
      { seed, numRuns: 1_000 },
    );
  });
});

describe('loginKey', () => {
  it('keeps e-mail addresses and user names apart', () => {
    expect(loginKey('Alice@Example.com')).toBe('email:alice@example.com');
    expect(loginKey('Alice')).toBe('name:alice');
    expect(loginKey('no one')).toBeUndefined();
  });
});
