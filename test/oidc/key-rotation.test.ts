// Keys change while the server runs: nobody is signed out, nothing under way breaks, and what was signed
// before is believed as long as it lives.
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyUses } from '../../src/keys/keyring.ts';
import { addApp, codeOf, getJson, newBrowser, type TestApp, webApp } from '../support/app.ts';
import { callbackOf, submitSignIn } from '../support/sign-in.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { formOf } from '../support/user-agent.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const schedule = { leadMs: 10 * MINUTE, keepMs: 24 * HOUR };

let strata: TestServer;
let web: TestApp;
let person: Awaited<ReturnType<TestServer['addAccount']>>;

beforeEach(async () => {
  strata = await startTestServer();
  [web, person] = await Promise.all([
    addApp(strata, { ...webApp, post_logout_redirect_uris: ['https://notes.example/'] }),
    strata.addAccount(),
  ]);
});

afterEach(() => strata.close());

async function rotate(use: (typeof keyUses)[number] = 'signing'): Promise<void> {
  await strata.server.keyring.rotate(use, schedule);
  await strata.server.reloadKeys();
}

async function publishedKeys(): Promise<string[]> {
  const { body } = await getJson(`${strata.origin}/jwks`);
  return body.keys.map(({ kid }: { kid: string }) => kid);
}

describe('a new signing key', () => {
  it('is published before it signs, and the old one after', async () => {
    const [old] = await publishedKeys();
    await rotate();
    expect(await publishedKeys()).toHaveLength(2);
    expect(await signingKey()).toBe(old);

    strata.clock.advance(10 * MINUTE);
    await strata.server.reloadKeys();
    expect(await signingKey()).not.toBe(old);
    expect(await publishedKeys()).toContain(old);

    strata.clock.advance(24 * HOUR);
    await strata.server.reloadKeys();
    expect(await publishedKeys()).not.toContain(old);
  });

  it('publishes no private part of any', async () => {
    await rotate();

    const { body } = await getJson(`${strata.origin}/jwks`);

    for (const key of body.keys)
      expect(Object.keys(key).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  });

  it('leaves tokens of the old one good', async () => {
    const asked = { scope: 'openid demo:read', resource: 'https://demo-api.example' };
    const tokens = await web.signIn(newBrowser(strata), person, asked);
    await rotate();
    strata.clock.advance(schedule.leadMs - MINUTE);
    await strata.server.reloadKeys();
    const fresh = await web.refresh(tokens.refresh_token, { resource: asked.resource });
    strata.clock.advance(2 * MINUTE);
    await strata.server.reloadKeys();

    const { body: jwks } = await getJson(`${strata.origin}/jwks`);
    await jwtVerify(fresh.body.access_token, createLocalJWKSet(jwks), { issuer: strata.origin });
    expect((await web.introspect(fresh.body.access_token)).body.active).toBe(true);
  });

  it('leaves an ID token of the old one good as a hint for signing out', async () => {
    const browser = newBrowser(strata);
    const { id_token } = await web.signIn(browser, person);
    await rotate();
    strata.clock.advance(schedule.leadMs);
    await strata.server.reloadKeys();

    const query = new URLSearchParams({
      id_token_hint: id_token,
      post_logout_redirect_uri: 'https://notes.example/',
    });
    const page = await browser.open(`/logout?${query}`);
    expect(page.status).toBe(200);
    const { action, fields } = formOf(page);
    const answer = await browser.submit(action, { ...fields, logout: 'yes' });

    expect(callbackOf(answer).href).toBe('https://notes.example/');
  });

  async function signingKey(): Promise<string | undefined> {
    const { id_token } = await web.signIn(newBrowser(strata), person);
    return decodeProtectedHeader(id_token).kid;
  }
});

describe('a rotation in the middle of a sign-in', () => {
  it.each(keyUses.filter((use) => use !== 'client'))('of the key for %s breaks nothing', async (use) => {
    const browser = newBrowser(strata);
    const { address, verifier } = web.ask();
    const page = await browser.open(address);
    await rotate(use);
    strata.clock.advance(schedule.leadMs);
    await strata.server.reloadKeys();

    const value = codeOf(await submitSignIn(browser, page, person));
    const redeemed = await web.redeem({ value, verifier });

    expect(redeemed.status).toBe(200);
    expect((await web.refresh(redeemed.body.refresh_token)).status).toBe(200);
  });
});

describe('rotating every key', () => {
  it('signs nobody out and locks no client out', async () => {
    const browser = newBrowser(strata);
    const tokens = await web.signIn(browser, person);
    for (const use of keyUses) await rotate(use);
    strata.clock.advance(schedule.leadMs);
    await strata.server.reloadKeys();

    expect((await web.refresh(tokens.refresh_token)).status).toBe(200);
    expect(codeOf(await browser.open(web.ask({ prompt: 'none' }).address))).toBeTruthy();
  });
});
