// Consent and scopes: apps of others ask once, get what the person allowed and the operator lets them have,
// and lose it when it is taken back.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withdrawConsent } from '../../src/accounts/consent.ts';
import type { ClientMetadata } from '../../src/clients/client.ts';
import type { AccountId } from '../../src/core/ids.ts';
import {
  addApp,
  type Code,
  claimsOf,
  codeOf,
  nativeApp,
  newBrowser,
  type Parameters,
  type TestApp,
  tvApp,
  webApp,
} from '../support/app.ts';
import { approveDevice, askForDeviceCode, pollForTokens } from '../support/device-flow.ts';
import { callbackOf, submitSignIn } from '../support/sign-in.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { type Answer, formOf, type UserAgent } from '../support/user-agent.ts';

const api = 'https://demo-api.example';
const ofOthers = { ...webApp, client_name: 'Somebody’s app', first_party: false } satisfies ClientMetadata;
const reading = { scope: 'openid profile demo:read', resource: api };
const writing = { scope: 'openid profile demo:read demo:write', resource: api };

type Person = Awaited<ReturnType<TestServer['addAccount']>>;

let strata: TestServer;
let theirs: TestApp;

beforeAll(async () => {
  strata = await startTestServer({
    config: { platforms: { tv: { scopes: ['profile', 'demo:read'] } } },
  });
  theirs = await addApp(strata, ofOthers);
});

afterAll(() => strata.close());

describe('an app of somebody else', () => {
  it('is asked for once and remembered, in every browser of the person', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    const page = await openConsent(browser, theirs, person, reading);
    expect(page.body).toContain('See the demo notes');
    expect(page.body).toContain(person.email);
    expect(codeOf(await decide(browser, page, 'allow'))).toBeTruthy();

    expect(codeOf(await browser.open(theirs.ask(reading).address))).toBeTruthy();
    const elsewhere = newBrowser(strata);
    const answer = await submitSignIn(elsewhere, await elsewhere.open(theirs.ask(reading).address), person);
    expect(codeOf(answer)).toBeTruthy();
  });

  it('gets what was allowed', async () => {
    const { tokens } = await consented(reading);

    expect(claimsOf(tokens.access_token).scope).toBe('demo:read');
  });

  it('is asked for again when it wants more, and for that alone', async () => {
    const { browser } = await consented(reading);

    const page = await browser.open(theirs.ask(writing).address);

    expect(page.url).toMatch(/\/consent$/);
    expect(page.body).toContain('Change the demo notes');
    expect(page.body).not.toContain('See the demo notes');
  });

  it('hears access_denied where the person refuses, and is asked for again', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    const page = await openConsent(browser, theirs, person, { ...reading, state: 'abc' });

    const callback = callbackOf(await decide(browser, page, 'deny'));

    expect(Object.fromEntries(callback.searchParams)).toMatchObject({
      error: 'access_denied',
      state: 'abc',
      iss: strata.origin,
    });
    expect((await browser.open(theirs.ask(reading).address)).url).toMatch(/\/consent$/);
  });

  it('hears consent_required where it forbids to ask', async () => {
    const { browser } = await consented(reading);

    const callback = callbackOf(await browser.open(theirs.ask({ ...writing, prompt: 'none' }).address));

    expect(callback.searchParams.get('error')).toBe('consent_required');
  });

  it('gets nothing for a code when the consent is withdrawn before it is redeemed', async () => {
    const { browser, person } = await consented(reading);
    const { address, verifier } = theirs.ask(reading);
    const value = codeOf(await browser.open(address));
    await withdraw(person);

    const answer = await theirs.redeem({ value, verifier }, { resource: api });

    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  it('gets nothing for that code either when the person has allowed it anew since', async () => {
    const { browser, person } = await consented(reading);
    const { address, verifier } = theirs.ask(reading);
    const value = codeOf(await browser.open(address));
    await withdraw(person);
    const page = await browser.open(theirs.ask(reading).address);
    await decide(browser, page, 'allow');

    expect((await theirs.redeem({ value, verifier })).body.error).toBe('invalid_grant');
  });

  it('is asked for again after it was withdrawn', async () => {
    const { browser, person } = await consented(reading);
    await withdraw(person);

    expect((await browser.open(theirs.ask(reading).address)).url).toMatch(/\/consent$/);
  });

  it('is asked for by a TV of somebody else as well', async () => {
    const person = await strata.addAccount();
    const tv = await addApp(strata, { ...tvApp, client_name: 'Somebody’s TV', first_party: false });
    const code = await askForDeviceCode(tv, { scope: 'openid profile' });
    const browser = newBrowser(strata);
    const page = await approveDevice(browser, code, person);
    expect(page.url).toMatch(/\/consent$/);
    expect((await pollForTokens(tv, code)).body.error).toBe('authorization_pending');

    await decide(browser, page, 'allow');

    expect((await pollForTokens(tv, code)).body.scope).toBe('openid profile');
  });

  it('of which a person wants nothing lets no TV in', async () => {
    const person = await strata.addAccount();
    const tv = await addApp(strata, { ...tvApp, client_name: 'Somebody’s TV', first_party: false });
    const code = await askForDeviceCode(tv, { scope: 'openid profile' });
    const browser = newBrowser(strata);
    const page = await approveDevice(browser, code, person);

    await decide(browser, page, 'deny');

    expect((await pollForTokens(tv, code)).body.error).toBe('access_denied');
  });

  it('cannot be allowed without the value of the page (CSRF)', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    const page = await openConsent(browser, theirs, person, reading);

    const answer = await browser.post(formOf(page).action, { csrf: 'guessed', decision: 'allow' });

    expect(answer.status).toBe(403);
    expect((await browser.open(theirs.ask(reading).address)).url).toMatch(/\/consent$/);
  });
});

describe('an app of the house', () => {
  it('is not asked for', async () => {
    const ours = await addApp(strata, webApp);
    const person = await strata.addAccount();

    const tokens = await ours.signIn(newBrowser(strata), person, writing);

    expect(claimsOf(tokens.access_token).scope).toBe('demo:read demo:write');
  });
});

describe('the scopes of a client', () => {
  it('are those it is registered for, without a page that asks for others', async () => {
    const limited = await addApp(strata, { ...ofOthers, first_party: true, scope: 'openid demo:read' });
    const person = await strata.addAccount();

    const tokens = await limited.signIn(newBrowser(strata), person, writing);

    expect(claimsOf(tokens.access_token).scope).toBe('demo:read');
    expect(tokens.id_token && claimsOf(tokens.id_token).name).toBeUndefined();
  });

  it('are those of its platform at most, though it be registered for more', async () => {
    const person = await strata.addAccount();
    const tv = await addApp(strata, { ...tvApp, scope: 'openid profile email demo:read demo:write' });
    const code = await askForDeviceCode(tv, {
      scope: 'openid profile email demo:read demo:write',
      resource: api,
    });
    await approveDevice(newBrowser(strata), code, person);

    const plain = await pollForTokens(tv, code);
    const forApi = await tv.refresh(plain.body.refresh_token, { resource: api });

    expect(plain.body.scope).toBe('openid profile');
    expect(claimsOf(forApi.body.access_token).scope).toBe('demo:read');
  });

  it('never include letting other devices in, unless the operator has marked the app', async () => {
    const person = await strata.addAccount();
    const own = `${strata.origin}/api`;
    const asked = { scope: 'openid qr:approve sessions:read', resource: own };
    const plain = await addApp(strata, nativeApp);
    const marked = await addApp(strata, { ...nativeApp, qr_approve: true });

    const without = await plain.signIn(newBrowser(strata), person, asked);
    const having = await marked.signIn(newBrowser(strata), person, asked);

    expect(claimsOf(without.access_token).scope).toBe('sessions:read');
    expect(claimsOf(having.access_token).scope).toBe('qr:approve sessions:read');
  });

  it('that nobody knows are left out', async () => {
    const ours = await addApp(strata, webApp);
    const person = await strata.addAccount();

    const tokens = await ours.signIn(newBrowser(strata), person, { scope: 'openid nonsense' });

    expect(tokens.scope).toBe('openid');
  });
});

async function openConsent(
  browser: UserAgent,
  app: TestApp,
  person: Person,
  parameters: Parameters,
): Promise<Answer> {
  const page = await submitSignIn(browser, await browser.open(app.ask(parameters).address), person);
  expect(page.url).toMatch(/\/consent$/);
  return page;
}

async function decide(browser: UserAgent, page: Answer, decision: string): Promise<Answer> {
  const { action, fields } = formOf(page);
  return browser.submit(action, { ...fields, decision });
}

async function consented(parameters: Parameters) {
  const person = await strata.addAccount();
  const browser = newBrowser(strata);
  const { address, verifier } = theirs.ask(parameters);
  const page = await submitSignIn(browser, await browser.open(address), person);
  const code: Code = { value: codeOf(await decide(browser, page, 'allow')), verifier };
  const { body } = await theirs.redeem(code, { resource: api });
  return { person, browser, tokens: body };
}

async function withdraw(person: Person): Promise<void> {
  // The id is one that the server gave out.
  const key = { accountId: person.id as AccountId, clientId: theirs.id };
  expect(await withdrawConsent(strata, key)).toBe(true);
}
