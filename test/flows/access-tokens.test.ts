// Access tokens: what a JWT says of session and account (RFC 9068), what an opaque one says at introspection,
// how long they live, who may ask about them and who may revoke them (RFC 7662, RFC 7009).
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAccount } from '../../src/accounts/account.ts';
import {
  addApp,
  apiApp,
  claimsOf,
  getJson,
  type JsonAnswer,
  nativeApp,
  newBrowser,
  type TestApp,
  type Tokens,
  webApp,
} from '../support/app.ts';
import { dpopKey } from '../support/dpop.ts';
import { end, sessionOf, sidOf } from '../support/sessions.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const jwtApi = 'https://demo-api.example';
const opaqueApi = 'https://opaque.example';
const apis = [
  {
    identifier: jwtApi,
    name: 'JWT',
    scopes: { 'demo:read': 'Read', 'demo:write': 'Write' },
    claims: { roles: 'roles', team: 'attributes.team', groups: 'groups' },
  },
  {
    identifier: opaqueApi,
    name: 'Opaque',
    scopes: { 'vault:open': 'Open' },
    tokenFormat: 'opaque' as const,
    accessToken: '2m',
    claims: { roles: 'roles' },
  },
];
const asked = { scope: 'openid demo:read', resource: jwtApi };
const askedOpaque = { scope: 'openid vault:open', resource: opaqueApi };

let strata: TestServer;
let web: TestApp;
let native: TestApp;
let stranger: TestApp;
let gateway: TestApp;
let person: { id: string; email: string; password: string };

async function start(more: object = {}): Promise<void> {
  strata = await startTestServer({ config: { apis, ...more } });
  [web, native, stranger, gateway] = await Promise.all([
    addApp(strata, webApp),
    addApp(strata, nativeApp),
    addApp(strata, { ...webApp, client_name: 'Stranger' }),
    addApp(strata, { ...apiApp, client_name: 'Gateway', audiences: [jwtApi, opaqueApi] }),
  ]);
  person = await personWithRoles();
}

async function personWithRoles() {
  const password = 'correct horse battery';
  const outcome = await createAccount(strata.server, {
    name: 'Ada',
    email: 'ada@example.com',
    emailVerified: true,
    roles: ['editor', 'reviewer'],
    attributes: { team: 'blue' },
    passwordHash: await strata.server.passwords.hash(password),
  });
  if (outcome.kind !== 'created') throw new Error(outcome.kind);
  return { id: outcome.account.id, email: 'ada@example.com', password };
}

describe('a JWT access token', () => {
  beforeAll(() => start());
  afterAll(() => strata.close());

  it('is verified by the published keys and says whose it is, where and how proven (RFC 9068)', async () => {
    const tokens = await web.signIn(newBrowser(strata), person, asked);
    const jwks = (await getJson(`${strata.origin}/jwks`)).body;

    const { payload, protectedHeader } = await jwtVerify(tokens.access_token, createLocalJWKSet(jwks), {
      issuer: strata.origin,
      audience: jwtApi,
      typ: 'at+jwt',
    });

    expect(protectedHeader.alg).toBe('ES256');
    expect(payload).toMatchObject({
      sub: person.id,
      client_id: web.id,
      scope: 'demo:read',
      sid: sidOf(tokens),
      platform: 'web',
      acr: 'urn:strata:acr:1',
      amr: ['pwd'],
      auth_time: Math.floor(strata.clock.now() / 1000),
      jti: expect.any(String),
    });
  });

  it('carries what the table of its API names of the account, and no more', async () => {
    const tokens = await web.signIn(newBrowser(strata), person, asked);

    const claims = claimsOf(tokens.access_token);

    expect(claims).toMatchObject({ roles: ['editor', 'reviewer'], team: 'blue' });
    expect(claims).not.toHaveProperty('email');
    expect(claims).not.toHaveProperty('name');
  });

  it('names the platform of a native app', async () => {
    const tokens = await native.signIn(newBrowser(strata), person, { ...asked, platform: 'android' });

    expect(claimsOf(tokens.access_token).platform).toBe('android');
  });

  it('names no platform that the client is not registered for', async () => {
    const tokens = await native.signIn(newBrowser(strata), person, { ...asked, platform: 'tv' });

    expect(claimsOf(tokens.access_token).platform).toBe('ios');
  });

  it('keeps the time of the sign-in when it is refreshed', async () => {
    const tokens = await web.signIn(newBrowser(strata), person, asked);
    const signedInAt = claimsOf(tokens.access_token).auth_time;
    strata.clock.advance(HOUR);

    const refreshed = await web.refresh(tokens.refresh_token, { resource: jwtApi });

    expect(claimsOf(refreshed.body.access_token)).toMatchObject({
      auth_time: signedInAt,
      sid: sidOf(tokens),
    });
  });

  it('opens no userinfo: its audience is an API', async () => {
    const tokens = await web.signIn(newBrowser(strata), person, asked);

    const answer = await web.userinfo(tokens.access_token);

    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
  });

  it('is no ID token and the other way round', async () => {
    const tokens = await web.signIn(newBrowser(strata), person, asked);

    expect(decodeProtectedHeader(tokens.access_token).typ).toBe('at+jwt');
    expect((await web.introspect(tokens.id_token)).body).toEqual({ active: false });
  });
});

describe('the life of an access token', () => {
  beforeEach(() => start({ platforms: { web: { absolute: '1h', idle: '1h' } } }));
  afterEach(() => strata.close());

  it('is that of the platform, five per cent more or less', async () => {
    const onWeb = await web.signIn(newBrowser(strata), person, asked);
    const onPhone = await native.signIn(newBrowser(strata), person, asked);

    expectAbout(onWeb.expires_in, 600);
    expectAbout(onPhone.expires_in, 900);
    const { iat, exp } = claimsOf(onWeb.access_token);
    expect(exp - iat).toBe(onWeb.expires_in);
  });

  it('is no longer than the API allows', async () => {
    const tokens = await web.signIn(newBrowser(strata), person, askedOpaque);

    expectAbout(tokens.expires_in, 120);
  });

  it('ends with its session at the latest', async () => {
    const tokens = await web.signIn(newBrowser(strata), person, asked);
    const session = await sessionOf(strata, tokens);
    strata.clock.advance(HOUR - 90 * SECOND);

    const refreshed = await web.refresh(tokens.refresh_token, { resource: jwtApi });

    expect(refreshed.body.expires_in).toBeLessThanOrEqual(90);
    expect(claimsOf(refreshed.body.access_token).exp * 1000).toBeLessThanOrEqual(session.absoluteUntil ?? 0);
  });
});

describe('introspection', () => {
  beforeAll(() => start());
  afterAll(() => strata.close());

  it.each([
    ['a JWT', asked],
    ['an opaque token', askedOpaque],
  ])('tells owner and audience about %s, and strangers nothing', async (_format, parameters) => {
    const tokens = await web.signIn(newBrowser(strata), person, parameters);
    const facts = {
      active: true,
      sub: person.id,
      client_id: web.id,
      sid: sidOf(tokens),
      aud: parameters.resource,
      platform: 'web',
      acr: 'urn:strata:acr:1',
      roles: ['editor', 'reviewer'],
      token_type: 'Bearer',
      iss: strata.origin,
    };

    expect((await web.introspect(tokens.access_token)).body).toMatchObject(facts);
    expect((await gateway.introspect(tokens.access_token)).body).toMatchObject(facts);
    expect((await stranger.introspect(tokens.access_token)).body).toEqual({ active: false });
  });

  it.each([
    ['a JWT', asked],
    ['an opaque token', askedOpaque],
  ])('calls %s inactive from the end of its session on (I1)', async (_format, parameters) => {
    const tokens = await web.signIn(newBrowser(strata), person, parameters);
    await end(strata, sidOf(tokens), 'kicked');

    expect((await web.introspect(tokens.access_token)).body).toEqual({ active: false });
    expect((await gateway.introspect(tokens.access_token)).body).toEqual({ active: false });
  });

  it.each([
    ['a JWT', asked],
    ['an opaque token', askedOpaque],
  ])('calls %s inactive once it has expired', async (_format, parameters) => {
    const tokens = await web.signIn(newBrowser(strata), person, parameters);
    strata.clock.advance(20 * MINUTE);

    expect((await web.introspect(tokens.access_token)).body).toEqual({ active: false });
  });

  it.each([
    ['a JWT', asked],
    ['an opaque token', askedOpaque],
  ])('calls %s of an ended app inactive, also when its client is there anew', async (_format, parameters) => {
    const browser = newBrowser(strata);
    const kept = await stranger.signIn(browser, person, parameters);
    const ended = await web.signIn(browser, undefined, parameters);
    await web.revoke(ended.refresh_token);
    expect((await gateway.introspect(ended.access_token)).body).toEqual({ active: false });

    const anew = await web.signIn(browser, undefined, parameters);

    expect(sidOf(anew)).toBe(sidOf(ended));
    expect((await gateway.introspect(ended.access_token)).body).toEqual({ active: false });
    expect((await gateway.introspect(anew.access_token)).body.active).toBe(true);
    expect((await gateway.introspect(kept.access_token)).body.active).toBe(true);
  });

  it('tells of a refresh token to its client alone', async () => {
    const tokens = await web.signIn(newBrowser(strata), person, asked);

    expect((await web.introspect(tokens.refresh_token)).body).toMatchObject({
      active: true,
      client_id: web.id,
      sid: sidOf(tokens),
    });
    expect((await gateway.introspect(tokens.refresh_token)).body).toEqual({ active: false });
    expect((await stranger.introspect(tokens.refresh_token)).body).toEqual({ active: false });
  });

  it('calls a refresh token inactive that was superseded', async () => {
    const tokens = await web.signIn(newBrowser(strata), person, asked);
    const second: Tokens = (await web.refresh(tokens.refresh_token)).body;
    await web.refresh(second.refresh_token);

    expect((await web.introspect(tokens.refresh_token)).body).toEqual({ active: false });
    expect((await web.introspect(second.refresh_token)).body.active).toBe(true);
  });

  it('names the key that a token is bound to', async () => {
    const key = await dpopKey(() => strata.clock.now());
    const dpop = await key.proof('POST', `${strata.origin}/token`);
    const code = await native.code(newBrowser(strata), person, asked);
    const { body } = await native.redeem(code, { resource: jwtApi }, { dpop });

    const answer = await gateway.introspect(body.access_token);

    expect(answer.body).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: key.thumbprint } });
  });

  it.each([
    ['nothing', ''],
    ['a word', 'hello'],
    ['three segments', 'a.b.c'],
    ['a JWT of nobody', `${btoa('{"alg":"none"}')}.${btoa('{}')}.`],
    ['very much', 'x'.repeat(20_000)],
  ])('answers odd input with inactive or 400: %s (I9)', async (_case, token) => {
    const answer = await web.introspect(token);

    expect(answer.status === 400 || answer.body.active === false).toBe(true);
  });

  it('believes no JWT whose claims were changed', async () => {
    const tokens = await web.signIn(newBrowser(strata), person, asked);
    const [header, , signature] = tokens.access_token.split('.');
    const claims = { ...claimsOf(tokens.access_token), scope: 'demo:write' };
    const forged = [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');

    expect((await web.introspect(forged)).body).toEqual({ active: false });
  });

  it.each(['access_token', 'refresh_token', 'nonsense'])('finds tokens with the hint %s', async (hint) => {
    const tokens = await web.signIn(newBrowser(strata), person, askedOpaque);
    const answers = await Promise.all([
      web.introspect(tokens.access_token, { token_type_hint: hint }),
      web.introspect(tokens.refresh_token, { token_type_hint: hint }),
    ]);

    expect(answers.map(({ body }) => body.active)).toEqual([true, true]);
  });
});

describe('revoking an access token', () => {
  beforeAll(() => start());
  afterAll(() => strata.close());

  it.each([
    ['a JWT', asked],
    ['an opaque token', askedOpaque],
  ])('makes %s inactive and leaves the app signed in', async (_format, parameters) => {
    const tokens = await web.signIn(newBrowser(strata), person, parameters);

    const answer = await web.revoke(tokens.access_token);

    expect(answer).toMatchObject({ status: 200, body: '' });
    expect((await web.introspect(tokens.access_token)).body).toEqual({ active: false });
    expect((await gateway.introspect(tokens.access_token)).body).toEqual({ active: false });
    expect((await web.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it.each([
    ['a JWT', asked],
    ['an opaque token', askedOpaque],
  ])('is left to its own client: others hear 200 and %s stays active', async (_format, parameters) => {
    const tokens = await web.signIn(newBrowser(strata), person, parameters);

    expect((await stranger.revoke(tokens.access_token)).status).toBe(200);
    expect((await gateway.revoke(tokens.access_token)).status).toBe(200);

    expect((await web.introspect(tokens.access_token)).body.active).toBe(true);
  });

  it('is open to public clients for their own', async () => {
    const tokens = await native.signIn(newBrowser(strata), person, asked);

    expect((await native.revoke(tokens.access_token)).status).toBe(200);

    expect((await gateway.introspect(tokens.access_token)).body).toEqual({ active: false });
  });

  it('may be done twice', async () => {
    const tokens = await web.signIn(newBrowser(strata), person, asked);
    await web.revoke(tokens.access_token);

    expect((await web.revoke(tokens.access_token)).status).toBe(200);
  });
});

describe('the claims hook', () => {
  let hook: Server;
  let answer: { status: number; body: object };
  const seen: unknown[] = [];

  beforeAll(async () => {
    hook = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      seen.push(JSON.parse(Buffer.concat(chunks).toString()));
      response.statusCode = answer.status;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer.body));
    });
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
    // A server that listens on a port has an address with one.
    const { port } = hook.address() as AddressInfo;
    await start({ claimsHook: { url: `http://127.0.0.1:${port}/claims` } });
  });

  afterAll(async () => {
    await strata.close();
    await new Promise((resolve) => hook.close(resolve));
  });

  it('adds claims, and replaces none that the server or its table says', async () => {
    answer = { status: 200, body: { plan: 'gold', sub: 'someone', sid: 'ses_x', roles: ['root'] } };

    const tokens = await web.signIn(newBrowser(strata), person, asked);

    const claims = claimsOf(tokens.access_token);
    expect(claims).toMatchObject({
      plan: 'gold',
      sub: person.id,
      sid: sidOf(tokens),
      roles: ['editor', 'reviewer'],
    });
    expect(seen.at(-1)).toMatchObject({ account: { id: person.id }, client_id: web.id, api: jwtApi });
  });

  it('that fails costs nobody a code', async () => {
    const code = await web.code(newBrowser(strata), person, asked);
    answer = { status: 500, body: {} };
    expect((await web.redeem(code, { resource: jwtApi })).status).toBe(503);

    answer = { status: 200, body: {} };
    expect((await web.redeem(code, { resource: jwtApi })).status).toBe(200);
  });

  it('that fails makes the token wait with 503 and Retry-After, and the refresh token lives (I9)', async () => {
    answer = { status: 200, body: {} };
    const tokens = await web.signIn(newBrowser(strata), person, asked);
    answer = { status: 500, body: {} };

    const refused: JsonAnswer = await web.refresh(tokens.refresh_token, { resource: jwtApi });

    expect(refused).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
    expect(refused.headers.get('retry-after')).toBe('2');
    answer = { status: 200, body: {} };
    expect((await web.refresh(tokens.refresh_token, { resource: jwtApi })).status).toBe(200);
  });
});

function expectAbout(actual: number, seconds: number): void {
  expect(actual).toBeGreaterThanOrEqual(Math.floor(seconds * 0.95));
  expect(actual).toBeLessThanOrEqual(Math.ceil(seconds * 1.05));
}
