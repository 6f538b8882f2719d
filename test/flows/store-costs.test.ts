// What the operations of every day cost at the store. Pinned, since each read or write more shows in the bill
// of a machine that does thousands a second; clients and keys come from caches.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addApp, apiApp, claimsOf, newBrowser, type TestApp, type Tokens, webApp } from '../support/app.ts';
import type { StoreCounts } from '../support/counting-store.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const jwtApi = 'https://demo-api.example';
const opaqueApi = 'https://opaque.example';
const apis = [
  { identifier: jwtApi, name: 'JWT', scopes: { 'demo:read': 'Read' } },
  { identifier: opaqueApi, name: 'Opaque', scopes: { 'vault:open': 'Open' }, tokenFormat: 'opaque' as const },
];
const asked = { scope: 'openid demo:read', resource: jwtApi };

let strata: TestServer;
let web: TestApp;
let job: TestApp;
let person: Awaited<ReturnType<TestServer['addAccount']>>;

beforeAll(async () => {
  strata = await startTestServer({ config: { apis } });
  [web, job, person] = await Promise.all([
    addApp(strata, webApp),
    addApp(strata, { ...apiApp, audiences: [jwtApi, opaqueApi] }),
    strata.addAccount(),
  ]);
  // The caches fill with the first request of each client.
  await job.token({ grant_type: 'client_credentials' });
});

afterAll(() => strata.close());

async function costOf(work: () => Promise<{ status: number }>, status = 200): Promise<StoreCounts> {
  strata.store.reset();
  const answer = await work();
  expect(answer.status).toBe(status);
  return strata.store.counts();
}

describe('the cost of', () => {
  it('a refresh for a JWT is a read of the session, one of the account, and one commit of one write', async () => {
    const { refresh_token } = await web.signIn(newBrowser(strata), person, asked);

    const cost = await costOf(() => web.refresh(refresh_token, { resource: jwtApi }));

    expect(cost).toMatchObject({ gets: 2, finds: 0, lists: 0, commits: 1, writes: ['patch device_session'] });
  });

  it('a refresh for an opaque token is one write more', async () => {
    const { refresh_token } = await web.signIn(newBrowser(strata), person);

    const cost = await costOf(() => web.refresh(refresh_token));

    expect(cost).toMatchObject({ gets: 2, finds: 0, lists: 0, commits: 2 });
    expect(cost.writes).toEqual(['patch device_session', 'put access_token']);
  });

  it('a refresh that repeats its answer is no write', async () => {
    const { refresh_token } = await web.signIn(newBrowser(strata), person, asked);
    await web.refresh(refresh_token, { resource: jwtApi });

    const cost = await costOf(() => web.refresh(refresh_token, { resource: jwtApi }));

    expect(cost).toMatchObject({ gets: 2, commits: 0 });
  });

  it('a token of an API app is a read of its session', async () => {
    const cost = await costOf(() => job.token({ grant_type: 'client_credentials', resource: jwtApi }));

    expect(cost).toMatchObject({ gets: 1, finds: 0, lists: 0, commits: 0 });
  });

  it('a code of a browser that is signed in is three reads and the write of the code', async () => {
    const browser = newBrowser(strata);
    await web.signIn(browser, person, asked);
    const { address } = web.ask(asked);
    await browser.get(address);

    const cost = await costOf(() => browser.get(web.ask(asked).address), 303);

    expect(cost).toMatchObject({ gets: 3, finds: 0, lists: 0, writes: ['insert authorization_code'] });
  });

  it('a code exchange for a JWT is three reads and one commit of code and session', async () => {
    const browser = newBrowser(strata);
    await web.signIn(browser, person, asked);
    const code = await web.code(browser, undefined, asked);

    const cost = await costOf(() => web.redeem(code, { resource: jwtApi }));

    expect(cost).toMatchObject({ gets: 3, finds: 0, lists: 0, commits: 1 });
    expect(cost.writes).toEqual(['patch authorization_code', 'patch device_session']);
  });

  it('asking about a JWT is a read of its session and one of its revocation', async () => {
    const { access_token } = await web.signIn(newBrowser(strata), person, asked);

    const cost = await costOf(() => job.introspect(access_token));

    expect(cost).toMatchObject({ gets: 2, finds: 0, lists: 0, commits: 0 });
  });

  it('asking about an opaque token is a read of it and one of its session', async () => {
    const tokens = await opaqueTokens();

    const cost = await costOf(() => job.introspect(tokens.access_token));

    expect(cost).toMatchObject({ gets: 2, finds: 0, lists: 0, commits: 0 });
  });

  it('userinfo is a read of the token, of its session and of the account', async () => {
    const { access_token } = await web.signIn(newBrowser(strata), person);

    const cost = await costOf(() => web.userinfo(access_token));

    expect(cost).toMatchObject({ gets: 3, finds: 0, lists: 0, commits: 0 });
  });

  it.each([
    ['a word', 'hello'],
    ['a refresh token of no shape', 'rt_x.1.1.1.1.x'],
    ['a JWT of nobody', 'e30.e30.e30'],
  ])('asking about what is no token is nothing: %s', async (_case, token) => {
    const cost = await costOf(() => job.introspect(token));

    expect(cost).toMatchObject({ gets: 0, finds: 0, lists: 0, commits: 0 });
  });

  it('a refresh with a forged token is a read at most', async () => {
    const { refresh_token } = await web.signIn(newBrowser(strata), person);

    const cost = await costOf(() => web.refresh(`${refresh_token.slice(0, -4)}AAAA`), 400);

    expect(cost).toMatchObject({ gets: 1, commits: 0 });
  });

  it('activity at /authorize is a write more, once a minute', async () => {
    const browser = newBrowser(strata);
    await web.signIn(browser, person, asked);
    const visit = () => browser.get(web.ask(asked).address);
    await visit();
    strata.clock.advance(60_000);

    const first = await costOf(visit, 303);
    const second = await costOf(visit, 303);

    expect(first.writes).toEqual(['patch device_session', 'insert authorization_code']);
    expect(second.writes).toEqual(['insert authorization_code']);
  });
});

async function opaqueTokens(): Promise<Tokens> {
  const tokens = await web.signIn(newBrowser(strata), person, {
    scope: 'openid vault:open',
    resource: opaqueApi,
  });
  expect(() => claimsOf(tokens.access_token)).toThrow();
  return tokens;
}
