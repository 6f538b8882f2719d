// Refreshing over HTTP: what the pure decision of sessions/refresh-chain.ts becomes on the wire, and what of
// scopes, resources and keys a refresh may change.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addApp,
  claimsOf,
  nativeApp,
  newBrowser,
  type TestApp,
  type Tokens,
  webApp,
} from '../support/app.ts';
import { type DpopKey, dpopKey } from '../support/dpop.ts';
import { sessionOf } from '../support/sessions.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

const jwtApi = 'https://demo-api.example';
const opaqueApi = 'https://opaque.example';
const apis = [
  { identifier: jwtApi, name: 'JWT', scopes: { 'demo:read': 'Read', 'demo:write': 'Write' } },
  { identifier: opaqueApi, name: 'Opaque', scopes: { 'vault:open': 'Open' }, tokenFormat: 'opaque' as const },
];

let strata: TestServer;
let web: TestApp;
let native: TestApp;
let person: Awaited<ReturnType<TestServer['addAccount']>>;

beforeAll(async () => {
  strata = await startTestServer({ config: { apis } });
  [web, native, person] = await Promise.all([
    addApp(strata, webApp),
    addApp(strata, nativeApp),
    strata.addAccount(),
  ]);
});

afterAll(() => strata.close());

describe('a refresh token that was superseded', () => {
  it('is answered with 429, Retry-After and superseded while messages may be late (I4)', async () => {
    const { refresh_token } = await web.signIn(newBrowser(strata), person);
    const second = await next(web, refresh_token);
    const third = await next(web, second);
    strata.clock.advance(119 * SECOND);

    const late = await web.refresh(refresh_token);

    expect(late).toMatchObject({
      status: 429,
      body: { error: 'temporarily_unavailable', error_reason: 'superseded' },
    });
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await web.refresh(third)).status).toBe(200);
  });

  it('ends the app with reuse afterwards: someone holds a copy (I5)', async () => {
    const tokens = await native.signIn(newBrowser(strata), person);
    const third = await next(native, await next(native, tokens.refresh_token));
    strata.clock.advance(120 * SECOND);

    const theft = await native.refresh(tokens.refresh_token);

    expect(theft).toMatchObject({ status: 400, body: { error: 'invalid_grant', error_reason: 'reuse' } });
    expect((await native.refresh(third)).body.error_reason).toBe('reuse');
    expect((await sessionOf(strata, tokens)).ended?.reason).toBe('reuse');
    expect(strata.log.some((line) => line.includes('a stolen refresh token was shown'))).toBe(true);
  });

  it('gives the newest again where the chain is bound to a key, whose copies are worth nothing (I5)', async () => {
    const { key, tokens, proof } = await boundChain();
    const second = await next(native, tokens.refresh_token, await proof());
    const third = await next(native, second, await proof());
    strata.clock.advance(120 * SECOND);

    const answer = await native.refresh(tokens.refresh_token, {}, await proof());

    expect(answer.status).toBe(200);
    expect(answer.body.refresh_token).toBe(third);
    expect(key.thumbprint).toBeTruthy();
  });

  it('takes a proof once, also one that is dated ahead, for as long as its time is right (I2)', async () => {
    const { key, tokens, proof } = await boundChain();
    strata.clock.advance(299 * SECOND);
    const ahead = await key.proof('POST', `${strata.origin}/token`);
    strata.clock.advance(-299 * SECOND);
    expect((await native.refresh(tokens.refresh_token, {}, { dpop: ahead })).status).toBe(200);

    strata.clock.advance(301 * SECOND);
    const replay = await native.refresh(tokens.refresh_token, {}, { dpop: ahead });

    expect(replay).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await native.refresh(tokens.refresh_token, {}, await proof())).status).toBe(200);
  });
});

describe('a refresh whose answer was lost', () => {
  it('is told the same newest token again', async () => {
    const { refresh_token } = await web.signIn(newBrowser(strata), person);
    const second = await next(web, refresh_token);

    expect(await next(web, refresh_token)).toBe(second);
    strata.clock.advance(119 * SECOND);
    expect(await next(web, refresh_token)).toBe(second);
  });

  it('is told another one later, and both work', async () => {
    const { refresh_token } = await web.signIn(newBrowser(strata), person);
    const second = await next(web, refresh_token);
    strata.clock.advance(10 * MINUTE);

    const sibling = await next(web, refresh_token);

    expect(sibling).not.toBe(second);
    expect((await web.refresh(second)).status).toBe(200);
  });
});

describe('a chain that is bound to a key', () => {
  it('is useless without a proof, and with that of another key (I5)', async () => {
    const { tokens, proof } = await boundChain();
    const thief = await dpopKey(() => strata.clock.now());
    const other = { dpop: await thief.proof('POST', `${strata.origin}/token`) };

    expect(await native.refresh(tokens.refresh_token)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    expect((await native.refresh(tokens.refresh_token, {}, other)).body.error).toBe('invalid_grant');

    const owner = await native.refresh(tokens.refresh_token, {}, await proof());
    expect(owner).toMatchObject({ status: 200, body: { token_type: 'DPoP' } });
  });

  it('is bound for public clients alone: a confidential one authenticates anyway', async () => {
    const key = await dpopKey(() => strata.clock.now());
    const headers = { dpop: await key.proof('POST', `${strata.origin}/token`) };
    const { body } = await web.redeem(await web.code(newBrowser(strata), person), {}, headers);
    expect(body.token_type).toBe('DPoP');

    expect((await web.refresh(body.refresh_token)).body.token_type).toBe('Bearer');
  });

  it('starts from a code that was asked for with the same key (RFC 9449 §10)', async () => {
    const key = await dpopKey(() => strata.clock.now());
    const code = await native.code(newBrowser(strata), person, { dpop_jkt: key.thumbprint });

    expect((await native.redeem(code)).body.error).toBe('invalid_grant');
    const headers = { dpop: await key.proof('POST', `${strata.origin}/token`) };
    expect((await native.redeem(code, {}, headers)).status).toBe(200);
  });
});

describe('a refresh that asks for less', () => {
  it('gets less, and everything again the next time', async () => {
    const tokens = await web.signIn(newBrowser(strata), person, { scope: 'openid profile email' });

    const narrowed = await web.refresh(tokens.refresh_token, { scope: 'openid' });
    expect(narrowed.body.scope).toBe('openid');
    expect((await web.userinfo(narrowed.body.access_token)).body).toEqual({ sub: person.id });

    const full = await web.refresh(narrowed.body.refresh_token);
    expect(full.body.scope).toBe('openid profile email');
  });

  it('is refused more than was granted, and keeps its token', async () => {
    const tokens = await web.signIn(newBrowser(strata), person, { scope: 'openid' });

    const more = await web.refresh(tokens.refresh_token, { scope: 'openid email' });

    expect(more).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
    expect((await web.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it('gets no ID token without openid', async () => {
    const tokens = await web.signIn(newBrowser(strata), person, { scope: 'openid email' });

    const narrowed = await web.refresh(tokens.refresh_token, { scope: 'email' });

    expect(narrowed.body).not.toHaveProperty('id_token');
  });
});

describe('a refresh that chooses among its resources', () => {
  const asked = { scope: 'openid demo:read vault:open' };

  it('gets a JWT for an API that checks it alone, and an opaque token for one that asks', async () => {
    const { refresh_token } = await signInForBoth();

    const jwt = await web.refresh(refresh_token, { resource: jwtApi });
    const opaque = await web.refresh(jwt.body.refresh_token, { resource: opaqueApi });

    expect(claimsOf(jwt.body.access_token)).toMatchObject({ aud: jwtApi, scope: 'demo:read' });
    expect(jwt.body.scope).toBe('demo:read');
    expect(opaque.body.access_token).toMatch(/^[\w-]{43}$/);
    expect(opaque.body.scope).toBe('vault:open');
  });

  it('gets a token for userinfo when it names none', async () => {
    const { refresh_token } = await signInForBoth();

    const plain = await web.refresh(refresh_token);

    expect((await web.userinfo(plain.body.access_token)).status).toBe(200);
  });

  it('is refused a resource that was not granted and one that nobody knows', async () => {
    const { refresh_token } = await web.signIn(newBrowser(strata), person, { ...asked, resource: jwtApi });

    for (const resource of [opaqueApi, 'https://nobody.example']) {
      expect((await web.refresh(refresh_token, { resource })).body.error).toBe('invalid_target');
    }
    expect((await web.refresh(refresh_token)).status).toBe(200);
  });

  async function signInForBoth(): Promise<Tokens> {
    const { address, verifier } = web.ask(asked);
    const browser = newBrowser(strata);
    await web.signIn(browser, person);
    const both = new URL(address);
    both.searchParams.append('resource', jwtApi);
    both.searchParams.append('resource', opaqueApi);
    const answer = await browser.open(both.href);
    const value = new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? '';
    return (await web.redeem({ value, verifier }, { resource: jwtApi })).body;
  }
});

describe('a refresh token that is none', () => {
  it.each([
    ['a word', 'hello'],
    ['four dots', 'a.b.c.d.e'],
    ['a token of a session that never was', `rt_${'A'.repeat(22)}.1.1.1.k.${'A'.repeat(43)}`],
    ['forty thousand characters', 'x'.repeat(40_000)],
    ['NUL bytes', 'rt_\0\0'],
  ])('is refused with invalid_grant: %s (I9)', async (_case, value) => {
    expect(await web.refresh(value)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  it('is refused with invalid_request where it is missing or doubled', async () => {
    expect((await web.refresh('')).body.error).toBe('invalid_request');
    const twice = new URLSearchParams([
      ['grant_type', 'refresh_token'],
      ['refresh_token', 'one'],
      ['refresh_token', 'two'],
    ]);
    const answer = await fetch(`${strata.origin}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${web.id}:${web.secret}`).toString('base64')}` },
      body: twice,
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: 'invalid_request' });
  });
});

async function next(
  app: TestApp,
  refreshToken: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const answer = await app.refresh(refreshToken, {}, headers);
  expect(answer.status).toBe(200);
  return answer.body.refresh_token;
}

async function boundChain(): Promise<{
  key: DpopKey;
  tokens: Tokens;
  proof(): Promise<{ dpop: string }>;
}> {
  const key = await dpopKey(() => strata.clock.now());
  const proof = async () => ({ dpop: await key.proof('POST', `${strata.origin}/token`) });
  const answer = await native.redeem(await native.code(newBrowser(strata), person), {}, await proof());
  expect(answer.status).toBe(200);
  return { key, tokens: answer.body, proof };
}
