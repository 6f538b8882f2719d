// What a browser sees when its session was ended from elsewhere, and what a native app leaves behind in the
// browser that it signed in with: nothing.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserSessions } from '../../src/oidc/engine-records.ts';
import { addApp, codeOf, nativeApp, newBrowser, type TestApp, webApp } from '../support/app.ts';
import { liveSessionsOf, sessionOf, sessionsOf } from '../support/sessions.ts';
import { callbackOf, submitSignIn } from '../support/sign-in.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { formOf, type UserAgent } from '../support/user-agent.ts';

type Person = Awaited<ReturnType<TestServer['addAccount']>>;

let strata: TestServer;
let web: TestApp;
let native: TestApp;

beforeAll(async () => {
  strata = await startTestServer();
  [web, native] = await Promise.all([addApp(strata, webApp), addApp(strata, nativeApp)]);
});

afterAll(() => strata.close());

describe('a browser whose session was ended from another device', () => {
  const kicked = { en: 'Signed out from another device', zh: '已从另一台设备下线' };

  it.each(['en', 'zh'] as const)('is sent to sign in and told why, in %s (I1)', async (language) => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata, language);
    await web.signIn(browser, person);
    await endFromElsewhere(person);

    const page = await browser.open(web.ask().address);

    expect(page.url).toMatch(/\/sign-in$/);
    expect(page.body).toContain(kicked[language]);
  });

  it('is told why on /devices too, and comes back there after signing in', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    await web.signIn(browser, person);
    await endFromElsewhere(person);

    const page = await browser.open('/devices');
    expect(page.url).toMatch(/\/sign-in$/);
    expect(page.body).toContain(kicked.en);

    const devices = await submitSignIn(browser, page, person);
    expect(new URL(devices.url).pathname).toBe('/devices');
    expect(devices.body).toContain(kicked.en);
  });

  it('is told why where a tab only ever signed in and no app was ever opened', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    await signInToOwnPages(browser, person);
    expect((await liveSessionsOf(strata, person))[0]?.apps).toEqual({});
    await endFromElsewhere(person);

    expect((await browser.open('/devices')).body).toContain(kicked.en);
    expect((await browser.open(web.ask().address)).body).toContain(kicked.en);
  });

  it('answers prompt=none with login_required (I1)', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    await web.signIn(browser, person);
    expect(codeOf(await browser.open(web.ask({ prompt: 'none' }).address))).toBeTruthy();
    await endFromElsewhere(person);

    const callback = callbackOf(await browser.open(web.ask({ prompt: 'none' }).address));

    expect(callback.searchParams.get('error')).toBe('login_required');
  });

  it('is not told again once it has signed in', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    await web.signIn(browser, person);
    await endFromElsewhere(person);
    await submitSignIn(browser, await browser.open('/devices'), person);

    const answer = await browser.open(web.ask().address);

    expect(codeOf(answer)).toBeTruthy();
  });

  it('hears its own sign-out as such, when it opens its devices again', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    await signInToOwnPages(browser, person);
    const devices = await browser.open('/devices');

    const page = await browser.submit(formOf(devices).action, formOf(devices).fields);

    expect(page.url).toMatch(/\/sign-in$/);
    expect(page.body).toContain('You signed out');
  });
});

describe('a native app that signs in with a browser', () => {
  it('leaves no single sign-on behind, neither in cookies nor in the store', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    const before = await storedBrowserSessions();
    const tokens = await native.signIn(browser, person);

    expect((await sessionOf(strata, tokens)).platform).toBe('ios');
    expect(cookieNames(browser)).toEqual(['strata_browser']);
    expect(await storedBrowserSessions()).toEqual(before);
    expect((await browser.open(web.ask().address)).url).toMatch(/\/sign-in$/);
    expect((await browser.open(native.ask().address)).url).toMatch(/\/sign-in$/);
    expect((await browser.open('/devices')).url).toMatch(/\/sign-in$/);
  });

  it('leaves nothing behind either when it had to ask for consent', async () => {
    const person = await strata.addAccount();
    const stranger = await addApp(strata, { ...nativeApp, client_name: 'Stranger', first_party: false });
    const browser = newBrowser(strata);
    const before = await storedBrowserSessions();
    const consent = await submitSignIn(browser, await browser.open(stranger.ask().address), person);
    expect(consent.url).toMatch(/\/consent$/);

    const { action, fields } = formOf(consent);
    const answer = await browser.submit(action, { ...fields, decision: 'allow' });

    expect(codeOf(answer)).toBeTruthy();
    expect(cookieNames(browser)).toEqual(['strata_browser']);
    expect(await storedBrowserSessions()).toEqual(before);
  });

  it('leaves nothing behind when the person refuses', async () => {
    const browser = newBrowser(strata);
    const before = await storedBrowserSessions();
    const page = await browser.open(native.ask().address);
    const cancel = formOf(page, page.body.includes('/cancel') ? 1 : 0);

    const callback = callbackOf(await browser.submit(cancel.action, cancel.fields));

    expect(callback.searchParams.get('error')).toBe('access_denied');
    expect(cookieNames(browser)).toEqual(['strata_browser']);
    expect(await storedBrowserSessions()).toEqual(before);
  });

  it('neither uses, changes nor ends the session of the browser', async () => {
    const person = await strata.addAccount();
    const other = await strata.addAccount();
    const browser = newBrowser(strata);
    await web.signIn(browser, person);
    const cookie = browser.cookies.get('strata_session;/')?.value;
    const before = await liveSessionsOf(strata, person);
    const stored = await storedBrowserSessions();

    const quiet = callbackOf(await browser.open(native.ask({ prompt: 'none' }).address));
    expect(quiet.searchParams.get('error')).toBe('login_required');
    const tokens = await native.signIn(browser, other);

    expect((await sessionOf(strata, tokens)).accountId).toBe(other.id);
    expect(browser.cookies.get('strata_session;/')?.value).toBe(cookie);
    expect(await storedBrowserSessions()).toEqual(stored);
    expect(await liveSessionsOf(strata, person)).toEqual(before);
    expect(codeOf(await browser.open(web.ask({ prompt: 'none' }).address))).toBeTruthy();
  });

  it('shares the browser session where its registration asks for single sign-on', async () => {
    const person = await strata.addAccount();
    const sharing = await addApp(strata, { ...nativeApp, client_name: 'Sharing', browser_session: true });
    const browser = newBrowser(strata);
    await web.signIn(browser, person);

    const tokens = await sharing.signIn(browser, undefined);

    const [session, ...more] = await sessionsOf(strata, person);
    expect(more).toEqual([]);
    expect((await sessionOf(strata, tokens)).id).toBe(session?.id);
    expect(Object.values(session?.apps ?? {}).map(({ clientId }) => clientId)).toEqual([web.id, sharing.id]);
  });

  it('counts nothing for a sign-in that was abandoned before its code was redeemed', async () => {
    const person = await strata.addAccount();

    await native.code(newBrowser(strata), person);

    expect(await sessionsOf(strata, person)).toEqual([]);
  });
});

/** Signs in with another browser and ends every session but its own, one button each. */
async function endFromElsewhere(person: Person): Promise<void> {
  const [victim] = await liveSessionsOf(strata, person);
  strata.clock.advance(1000);
  const elsewhere = newBrowser(strata);
  await signInToOwnPages(elsewhere, person);
  const devices = await elsewhere.open('/devices');
  const address = `/devices/${victim?.id}/sign-out`;
  expect(devices.body).toContain(`action="${address}"`);

  const answer = await elsewhere.submit(address, formOf(devices).fields);
  expect(new URL(answer.url).pathname).toBe('/devices');
}

async function signInToOwnPages(browser: UserAgent, person: Person): Promise<void> {
  const answer = await submitSignIn(browser, await browser.open('/devices'), person);
  expect(new URL(answer.url).pathname).toBe('/devices');
}

/** Cookies of finished interactions stay where they are: they lead to no record any more. */
function cookieNames(browser: UserAgent): string[] {
  const names = [...browser.cookies.keys()].map((key) => key.split(';')[0] ?? '');
  return names.filter((name) => !name.startsWith('strata_interaction'));
}

async function storedBrowserSessions(): Promise<unknown[]> {
  const page = await strata.store.scan(browserSessions, { limit: 1000 });
  return [...page.records];
}
