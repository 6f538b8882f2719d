import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dummyHash,
  hashPassword,
  needsRehash,
  parseHash,
  passwordComplaint,
  verifyPassword,
} from '../../src/accounts/password.ts';

const seed = 20_260_104;
const cost = { memoryKiB: 8, passes: 1 };
const salt = 'c2FsdHNhbHQ';
const hash = 'A'.repeat(43);

describe('hashPassword', () => {
  it('makes a PHC string that its password opens and no other', async () => {
    const phc = await hashPassword('correct horse', cost);

    expect(phc).toMatch(/^\$argon2id\$v=19\$m=8,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    await expect(verifyPassword('correct horse', phc)).resolves.toBe(true);
    await expect(verifyPassword('Correct horse', phc)).resolves.toBe(false);
  });

  it('salts: one password never has the same hash twice', async () => {
    const [one, other] = await Promise.all([hashPassword('same', cost), hashPassword('same', cost)]);

    expect(one).not.toBe(other);
  });

  it('takes a password in another Unicode form for the same', async () => {
    const phc = await hashPassword('pässwörd ①２', cost);

    await expect(verifyPassword('pa\u0308sswo\u0308rd 12', phc)).resolves.toBe(true);
  });

  it('holds for every text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (password) => {
        const phc = await hashPassword(password, cost);
        await expect(verifyPassword(password, phc)).resolves.toBe(true);
        await expect(verifyPassword(`${password}x`, phc)).resolves.toBe(false);
      }),
      { seed, numRuns: 30 },
    );
  });
});

describe('verifyPassword', () => {
  it('opens a hash that another implementation made', async () => {
    // From the reference implementation's own tests: version 0x13, t=2, m=2^8, p=2, "password", "somesalt".
    const foreign = '$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc';

    await expect(verifyPassword('password', foreign)).resolves.toBe(true);
    await expect(verifyPassword('passwore', foreign)).resolves.toBe(false);
  });

  it('opens nothing with a dummy of the same cost', async () => {
    const dummy = dummyHash(cost);

    expect(needsRehash(dummy, cost)).toBe(false);
    await expect(verifyPassword('', dummy)).resolves.toBe(false);
  });

  it('stops at a stored value that is no hash', async () => {
    await expect(verifyPassword('x', 'plain text')).rejects.toThrow('no Argon2id PHC string');
  });
});

describe('parseHash', () => {
  it('reads every part', () => {
    const parsed = parseHash(`$argon2id$v=19$m=19456,t=2,p=1$${salt}$${hash}`);

    expect(parsed).toMatchObject({ memoryKiB: 19_456, passes: 2, lanes: 1 });
    expect(parsed?.salt.toString()).toBe('saltsalt');
    expect(parsed?.hash).toHaveLength(32);
  });

  it.each([
    ['nothing', ''],
    ['another algorithm', `$argon2i$v=19$m=8,t=1,p=1$${salt}$${hash}`],
    ['bcrypt', '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'],
    ['an old version', `$argon2id$v=16$m=8,t=1,p=1$${salt}$${hash}`],
    ['no version', `$argon2id$m=8,t=1,p=1$${salt}$${hash}`],
    ['another order', `$argon2id$v=19$t=1,m=8,p=1$${salt}$${hash}`],
    ['one parameter more', `$argon2id$v=19$m=8,t=1,p=1,keyid=x$${salt}$${hash}`],
    ['a leading zero', `$argon2id$v=19$m=08,t=1,p=1$${salt}$${hash}`],
    ['no passes', `$argon2id$v=19$m=8,t=0,p=1$${salt}$${hash}`],
    ['too little memory for its lanes', `$argon2id$v=19$m=8,t=1,p=2$${salt}$${hash}`],
    ['more memory than a server has to spare', `$argon2id$v=19$m=1048577,t=1,p=1$${salt}$${hash}`],
    ['more passes than a request may take', `$argon2id$v=19$m=8,t=65,p=1$${salt}$${hash}`],
    ['more lanes than there are cores', `$argon2id$v=19$m=256,t=1,p=17$${salt}$${hash}`],
    ['a salt of seven bytes', `$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbA$${hash}`],
    ['a hash of fifteen bytes', `$argon2id$v=19$m=8,t=1,p=1$${salt}$${'A'.repeat(20)}`],
    ['a hash of 65 bytes', `$argon2id$v=19$m=8,t=1,p=1$${salt}$${'A'.repeat(87)}`],
    ['padding', `$argon2id$v=19$m=8,t=1,p=1$${salt}=$${hash}`],
    ['the URL alphabet', `$argon2id$v=19$m=8,t=1,p=1$${salt}$${'_'.repeat(43)}`],
    ['stray bits at the end', `$argon2id$v=19$m=8,t=1,p=1$${salt}$${'A'.repeat(42)}B`],
    ['a line break', `$argon2id$v=19$m=8,t=1,p=1$${salt}$${hash}\n`],
  ])('refuses %s', (_name, phc) => {
    expect(parseHash(phc)).toBeUndefined();
  });
});

describe('needsRehash', () => {
  it.each([
    ['the same cost', cost, false],
    ['more memory', { memoryKiB: 16, passes: 1 }, true],
    ['more passes', { memoryKiB: 8, passes: 2 }, true],
    ['fewer lanes', { memoryKiB: 8, passes: 1, lanes: 2 }, true],
  ])('compares with %s', (_name, wanted, expected) => {
    expect(needsRehash(dummyHash(cost), wanted)).toBe(expected);
  });
});

describe('passwordComplaint', () => {
  const rules = { lengthMin: 10, logins: ['alice.long.name@example.com', 'alice_the_first'] };

  it.each([
    ['nine characters', '123456789', 'too_short'],
    ['nine emoji, eighteen code units', '😀'.repeat(9), 'too_short'],
    ['ten characters', '1234567890', undefined],
    ['ten Chinese characters', '正确的马电池订书钉好', undefined],
    ['256 characters', 'x'.repeat(256), undefined],
    ['257 characters', 'x'.repeat(257), 'too_long'],
    ['half a character', 'x'.repeat(10).concat('\ud800'), 'not_text'],
    ['the e-mail address', 'Alice.Long.Name@example.com', 'equals_login'],
    ['its part before the @', 'alice.long.name', 'equals_login'],
    ['the user name in capitals', ' ALICE_THE_FIRST', 'equals_login'],
    ['something that holds the user name', 'alice_the_first!', undefined],
    ['only blanks, since nothing forbids them', ' '.repeat(10), undefined],
  ])('says of %s: %s', (_name, password, complaint) => {
    expect(passwordComplaint(password, rules)).toBe(complaint);
  });
});
