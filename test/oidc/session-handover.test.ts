// The id in the browser's cookie changes when a request goes on after a page. What becomes of the one before.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserSessions } from '../../src/oidc/engine-records.ts';
import { addApp, codeOf, newBrowser, type TestApp, webApp } from '../support/app.ts';
import { READS } from '../support/faulty-store-plan.ts';
import { liveSessionsOf } from '../support/sessions.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { formOf, type UserAgent } from '../support/user-agent.ts';

let strata: TestServer;
let theirs: TestApp;

beforeAll(async () => {
  strata = await startTestServer();
  theirs = await addApp(strata, { ...webApp, first_party: false });
});

afterAll(() => strata.close());

async function signedIn() {
  const person = await strata.addAccount();
  const browser = newBrowser(strata);
  const web = await addApp(strata, webApp);
  await web.code(browser, person);
  return { person, browser, web };
}

async function allow(browser: UserAgent): Promise<void> {
  const { action, fields } = formOf(await browser.open(theirs.ask({ scope: 'openid email' }).address));
  codeOf(await browser.submit(action, { ...fields, decision: 'allow' }));
}

async function storedSessions(): Promise<number> {
  return (await strata.store.scan(browserSessions, { limit: 1000 })).records.length;
}

const sessionCookie = ({ cookies }: UserAgent) => cookies.get('strata_session;/')?.value;

describe('a browser whose session gets another id', () => {
  it('may come back with the old one until it has shown the new one', async () => {
    const { browser, web } = await signedIn();
    const before = new Map(browser.cookies);
    await allow(browser);
    expect(sessionCookie(browser)).not.toBe(before.get('strata_session;/')?.value);

    const late = newBrowser(strata);
    for (const [key, cookie] of before) late.cookies.set(key, cookie);
    expect(codeOf(await late.open(web.ask().address))).toBeTruthy();

    const records = await storedSessions();
    expect(codeOf(await browser.open(web.ask().address))).toBeTruthy();
    expect(await storedSessions()).toBe(records - 1);
    expect((await late.open(web.ask().address)).url).toMatch(/\/sign-in$/);
  });

  it('leaves nothing of either behind when it signs out', async () => {
    const { browser, web } = await signedIn();
    const before = new Map(browser.cookies);
    await allow(browser);
    const records = await storedSessions();

    const { action, fields } = formOf(await browser.get('/logout'));
    await browser.post(action, { ...fields, logout: 'yes' });

    expect(await storedSessions()).toBe(records - 2);
    const late = newBrowser(strata);
    for (const [key, cookie] of before) late.cookies.set(key, cookie);
    expect((await late.open(web.ask().address)).url).toMatch(/\/sign-in$/);
  });
});

describe('a browser that hears of an outage', () => {
  it.each([
    ['no read', [...READS]],
    ['no write', ['commit' as const]],
  ])('keeps its cookies, while %s works', async (_what, on) => {
    const { browser, web } = await signedIn();
    const page = await browser.open(theirs.ask({ scope: 'openid email' }).address);
    const { action, fields } = formOf(page);
    const answer = await browser.post(action, { ...fields, decision: 'allow' });
    const before = new Map(browser.cookies);
    strata.clock.advance(1_100);

    strata.faults.plan([{ on, fault: 'refuse' }]);
    const away = await browser.get(answer.headers.get('location') ?? '');
    strata.faults.plan([]);

    expect(away.headers.get('set-cookie')).toBeNull();
    expect(browser.cookies).toEqual(before);
    expect(codeOf(await browser.open(web.ask().address))).toBeTruthy();
  });
});

describe('a sign-out that the browser was made to ask for', () => {
  it('ends nothing without the secret of the form', async () => {
    const { person, browser } = await signedIn();
    const { action, fields } = formOf(await browser.get('/logout'));
    // Long enough that the engine's session is written again.
    strata.clock.advance(3_600_000);

    const answer = await browser.post(action, { ...fields, xsrf: 'x'.repeat(48), logout: 'yes' });

    expect(answer.status).toBe(400);
    expect(await liveSessionsOf(strata, person)).toHaveLength(1);
  });
});
