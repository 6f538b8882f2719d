import { describe, expect, it, onTestFinished } from 'vitest';
import { createAccount, findAccountByLogin, listAccounts } from '../../src/accounts/account.ts';
import { acrSingleFactor } from '../../src/accounts/authentication-levels.ts';
import { createSignInLimits, signIn } from '../../src/accounts/sign-in.ts';
import { confirmSignUp, createSignUpLimits, requestSignUp } from '../../src/accounts/sign-up.ts';
import { createMailQueue } from '../../src/messages/mail.ts';
import { createOutbox } from '../../src/messages/outbox.ts';
import { tickets } from '../../src/tickets/ticket.ts';
import { testClock } from '../support/test-clock.ts';
import { cheapPasswords, countingPasswords, macKeys, memoryStore } from './fixtures.ts';

const request = {
  email: 'Bob@Example.com',
  language: 'en',
  binding: 'secret of the browser',
  address: '198.51.100.1',
} as const;
const known = { ...request, email: 'alice@example.com' };
const choice = { name: ' Bob ', password: 'correct horse', binding: request.binding };

describe('requestSignUp', () => {
  it('mails a code to an address that is new', async () => {
    const { deps, sent } = await setUp();

    await expect(requestSignUp(deps, request)).resolves.toEqual({ kind: 'check_your_mail' });

    expect(await sent()).toMatchObject([
      {
        to: 'bob@example.com',
        subject: 'Strata: your sign-up code',
        text: expect.stringMatching(/\b\d{8}\b/),
      },
    ]);
  });

  it('mails where to sign in to an address that has an account', async () => {
    const { deps, sent } = await setUp();

    await expect(requestSignUp(deps, { ...known, language: 'zh' })).resolves.toEqual({
      kind: 'check_your_mail',
    });

    const [mail] = await sent();
    expect(mail).toMatchObject({ to: 'alice@example.com', subject: 'Strata：您已有账号' });
    expect(mail?.text).toContain('https://id.example/sign-in');
    expect(mail?.text).not.toMatch(/\d{8}/);
  });

  it('does the same work for both: reads, writes, mails and the shape of what is stored (I10)', async () => {
    const { deps, sent } = await setUp();

    const works = [];
    for (const email of [request.email, known.email]) {
      deps.store.reset();
      await requestSignUp(deps, { ...request, email });
      works.push({ ...deps.store.counts(), mails: (await sent()).length });
    }
    const { records } = await deps.store.scan(tickets, { limit: 10 });

    expect(works).toMatchObject([
      { gets: 1, commits: 1, writes: ['put ticket'], mails: 1 },
      { gets: 1, commits: 1, writes: ['put ticket'], mails: 2 },
    ]);
    const shapes = records.map(({ body }) => ({ ...body, id: '', codeMac: body.codeMac.length }));
    expect(shapes[0]).toEqual(shapes[1]);
  });

  it('sends to the canonical address, whatever was typed', async () => {
    const { deps, sent } = await setUp();

    await requestSignUp(deps, { ...request, email: ' \u212Aate＠EXAMPLE.com' });

    expect((await sent())[0]?.to).toBe('kate@example.com');
  });

  it.each(['', 'bob', 'bob@localhost', 'bob@example.com, eve@example.com', 'b@example.com\r\nBcc: e@x.org'])(
    'refuses %j and does nothing',
    async (email) => {
      const { deps, sent } = await setUp();

      await expect(requestSignUp(deps, { ...request, email })).resolves.toEqual({ kind: 'invalid_email' });
      expect(deps.store.counts()).toMatchObject({ gets: 0, commits: 0 });
      expect(await sent()).toEqual([]);
    },
  );

  it.each([
    ['new', request],
    ['known', known],
  ])('fills no mailbox: twenty mails an hour to a %s address, from wherever', async (_name, wanted) => {
    const { deps, sent } = await setUp();
    const kinds = [];
    for (let n = 0; n < 22; n += 1) {
      const outcome = await requestSignUp(deps, { ...wanted, address: `203.0.113.${n}` });
      kinds.push(outcome.kind);
    }

    expect(kinds).toEqual([...Array.from({ length: 20 }, () => 'check_your_mail'), 'limited', 'limited']);
    expect(await sent()).toHaveLength(20);
  });

  it('sends five of them for one network, so that a stranger elsewhere locks nobody out', async () => {
    const { deps, sent } = await setUp();
    const stranger = { ...request, address: '203.0.113.5' };
    for (let n = 0; n < 30; n += 1) await requestSignUp(deps, stranger);

    expect(await sent()).toHaveLength(5);
    await expect(requestSignUp(deps, request)).resolves.toEqual({ kind: 'check_your_mail' });
  });

  it('sends no more than thirty mails an hour for one network', async () => {
    const { deps, sent } = await setUp();
    for (let n = 0; n < 40; n += 1) await requestSignUp(deps, { ...request, email: `user${n}@example.com` });

    expect(await sent()).toHaveLength(30);
    const elsewhere = { ...request, address: '203.0.113.5' };
    await expect(requestSignUp(deps, elsewhere)).resolves.toEqual({ kind: 'check_your_mail' });
  });
});

describe('confirmSignUp', () => {
  it('makes the account, with its address verified, and signs it in', async () => {
    const { deps, codeFor } = await setUp();
    const code = await codeFor(request);
    deps.clock.advance(60_000);

    const outcome = await confirmSignUp(deps, { ...choice, email: request.email, code });

    const account = await findAccountByLogin(deps.store, 'bob@example.com');
    const now = deps.clock.now();
    expect(account).toMatchObject({
      name: 'Bob',
      email: 'bob@example.com',
      emailVerified: true,
      createdAt: now,
    });
    expect(outcome).toEqual({
      kind: 'created',
      account,
      auth: { time: now / 1000, at: now, acr: acrSingleFactor, amr: ['pwd'] },
    });
    const limits = createSignInLimits({ failuresMax: 3, failureWindow: 60_000 }, deps.clock);
    const attempt = { identifier: 'bob@example.com', password: choice.password, address: '::1' };
    await expect(signIn({ ...deps, limits }, attempt)).resolves.toMatchObject({ kind: 'signed_in' });
  });

  it('reads the code as people type it', async () => {
    const { deps, codeFor } = await setUp();
    const code = await codeFor(request);
    const typed = ` ${code.slice(0, 4)}－ ${code.slice(4)} `.replace(/\d/g, (digit) =>
      String.fromCharCode(0xff10 + Number(digit)),
    );

    await expect(
      confirmSignUp(deps, { ...choice, email: request.email, code: typed }),
    ).resolves.toMatchObject({
      kind: 'created',
    });
  });

  it.each([
    ['a wrong code', { code: '0' }, { kind: 'wrong_code', attemptsLeft: 4 }],
    ['an empty code', { code: '' }, { kind: 'wrong_code', attemptsLeft: 4 }],
    ['an enormous code', { code: '1'.repeat(60_000) }, { kind: 'wrong_code', attemptsLeft: 4 }],
    ['another browser', { binding: 'another' }, { kind: 'expired' }],
    ['another address', { email: 'eve@example.com' }, { kind: 'expired' }],
    ['no address', { email: '' }, { kind: 'expired' }],
    ['no name', { name: ' ' }, { kind: 'invalid_name' }],
    ['a short password', { password: 'short' }, { kind: 'weak_password', complaint: 'too_short' }],
    [
      'the address as password',
      { password: 'BOB@example.com' },
      { kind: 'weak_password', complaint: 'equals_login' },
    ],
  ])('makes no account for %s', async (_name, other, expected) => {
    const { deps, codeFor } = await setUp();
    const code = await codeFor(request);

    const outcome = await confirmSignUp(deps, { ...choice, email: request.email, code, ...other });

    expect(outcome).toEqual(expected);
    await expect(findAccountByLogin(deps.store, 'bob@example.com')).resolves.toBeUndefined();
  });

  it('spends no try on what can be mended on the page', async () => {
    const { deps, codeFor } = await setUp();
    const code = await codeFor(request);
    const asked = { ...choice, email: request.email, code };

    for (let n = 0; n < 10; n += 1) await confirmSignUp(deps, { ...asked, password: 'short' });

    await expect(confirmSignUp(deps, asked)).resolves.toMatchObject({ kind: 'created' });
  });

  it('takes five tries and not the right code after them', async () => {
    const { deps, codeFor } = await setUp();
    const asked = { ...choice, email: request.email, code: await codeFor(request) };
    for (let n = 0; n < 5; n += 1) await confirmSignUp(deps, { ...asked, code: 'wrong' });

    await expect(confirmSignUp(deps, asked)).resolves.toEqual({ kind: 'too_many' });
  });

  it('answers guesses for a known address as for a new one, with the same work (I10)', async () => {
    const { deps } = await setUp();
    await requestSignUp(deps, request);
    await requestSignUp(deps, known);

    const seen = [];
    for (const email of [request.email, known.email]) {
      const hashesBefore = deps.passwords.hashes();
      deps.store.reset();
      const outcomes = [];
      for (let n = 0; n < 7; n += 1) {
        outcomes.push(await confirmSignUp(deps, { ...choice, email, code: `wrong${n}` }));
      }
      seen.push({ outcomes, counts: deps.store.counts(), hashes: deps.passwords.hashes() - hashesBefore });
    }

    expect(seen[0]).toEqual(seen[1]);
  });

  it('stops working when its time is up', async () => {
    const { deps, codeFor } = await setUp();
    const code = await codeFor(request);
    deps.clock.advance(900_000);

    await expect(confirmSignUp(deps, { ...choice, email: request.email, code })).resolves.toEqual({
      kind: 'expired',
    });
  });

  it('makes one account of one code, however many come at once (I2)', async () => {
    const { deps, codeFor } = await setUp();
    const asked = { ...choice, email: request.email, code: await codeFor(request) };

    const outcomes = await Promise.all(Array.from({ length: 20 }, () => confirmSignUp(deps, asked)));

    expect(outcomes.filter((outcome) => outcome.kind === 'created')).toHaveLength(1);
    const { records } = await listAccounts(deps.store, { limit: 10 });
    expect(records.filter((account) => account.email === 'bob@example.com')).toHaveLength(1);
    await expect(confirmSignUp(deps, asked)).resolves.toEqual({ kind: 'expired' });
  });

  it('makes one account of two browsers that both have a code for the address', async () => {
    const { deps, codeFor } = await setUp();
    const other = { ...request, binding: 'other browser' };
    const first = { ...choice, email: request.email, code: await codeFor(request) };
    const second = { ...choice, email: request.email, code: await codeFor(other), binding: other.binding };

    await expect(confirmSignUp(deps, first)).resolves.toMatchObject({ kind: 'created' });
    await expect(confirmSignUp(deps, second)).resolves.toEqual({ kind: 'already_registered' });
  });
});

async function setUp() {
  const clock = testClock();
  const store = await memoryStore(clock);
  await createAccount({ store, clock }, { name: 'Alice', email: known.email });
  store.reset();

  const outbox = createOutbox(clock);
  const log = { warn: () => undefined };
  const mails = createMailQueue({ messenger: outbox, log, retryDelaysMs: [] });
  onTestFinished(() => mails.close());
  const settings = {
    codeLifetime: 900_000,
    passwordLengthMin: 10,
    brand: 'Strata',
    signInUrl: 'https://id.example/sign-in',
  };
  const passwords = countingPasswords(cheapPasswords());
  const deps = { store, clock, macKeys, mails, passwords, limits: createSignUpLimits(clock), settings };

  async function sent() {
    await mails.settled();
    return outbox.list();
  }

  async function codeFor(wanted: typeof request | (Omit<typeof request, 'binding'> & { binding: string })) {
    await requestSignUp(deps, wanted);
    return /\b\d{8}\b/.exec((await sent())[0]?.text ?? '')?.[0] ?? 'no code';
  }

  return { deps, sent, codeFor };
}
