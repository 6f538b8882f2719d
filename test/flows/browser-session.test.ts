// One device session per browser and account: shared by the web apps there, renewed by signing in again,
// replaced where the browser has lost its cookie, and left by signing out of one app or of all.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addApp, claimsOf, codeOf, newBrowser, type TestApp, tvApp, webApp } from '../support/app.ts';
import { approveDevice, askForDeviceCode, pollForTokens } from '../support/device-flow.ts';
import { liveSessionsOf, sessionOf, sessionsOf, sidOf } from '../support/sessions.ts';
import { callbackOf, submitSignIn } from '../support/sign-in.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { type Answer, formOf, type UserAgent } from '../support/user-agent.ts';

const HOUR = 3_600_000;

let strata: TestServer;
let notes: TestApp;
let mail: TestApp;
let tv: TestApp;

beforeAll(async () => {
  strata = await startTestServer();
  [notes, mail, tv] = await Promise.all([
    addApp(strata, webApp),
    addApp(strata, {
      ...webApp,
      client_name: 'Mail',
      redirect_uris: ['https://mail.example/callback'],
      post_logout_redirect_uris: ['https://mail.example/'],
    }),
    addApp(strata, tvApp),
  ]);
});

afterAll(() => strata.close());

describe('the device session of a browser', () => {
  it('is shared by two web apps, each with an app of its own in it', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);

    const first = await notes.signIn(browser, person);
    const second = await mail.signIn(browser, undefined);

    expect(sidOf(second)).toBe(sidOf(first));
    const [session, ...more] = await sessionsOf(strata, person);
    expect(more).toEqual([]);
    expect(session).toMatchObject({
      platform: 'web',
      state: 'live',
      startedBy: { how: 'password' },
      apps: { 1: { clientId: notes.id }, 2: { clientId: mail.id } },
    });
  });

  it('is not joined by a TV that it approves: that one gets a session of its own', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    const { id_token } = await notes.signIn(browser, person);
    const code = await askForDeviceCode(tv);

    await approveDevice(browser, code);
    const tokens = await pollForTokens(tv, code);

    const session = await sessionOf(strata, tokens.body);
    expect(session).toMatchObject({
      platform: 'tv',
      accountId: person.id,
      startedBy: { how: 'code', sessionId: sidOf({ id_token }) },
      apps: { 1: { clientId: tv.id } },
    });
    const browsers = (await liveSessionsOf(strata, person)).filter(({ platform }) => platform === 'web');
    expect(Object.keys(browsers[0]?.apps ?? {})).toEqual(['1']);
  });

  it.each([{ prompt: 'login' }, { max_age: '60' }])(
    'is renewed by re-authentication with %o',
    async (asked) => {
      const person = await strata.addAccount();
      const browser = newBrowser(strata);
      const first = await notes.signIn(browser, person);
      strata.clock.advance(HOUR);

      const again = await notes.signIn(browser, person, asked);

      expect(sidOf(again)).toBe(sidOf(first));
      expect(claimsOf(again.id_token).auth_time).toBe(claimsOf(first.id_token).auth_time + HOUR / 1000);
      expect((await sessionOf(strata, again)).auth?.time).toBe(claimsOf(again.id_token).auth_time);
      expect(await sessionsOf(strata, person)).toHaveLength(1);
    },
  );

  it('says an unchanged auth_time where nobody proved anything anew', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    const first = await notes.signIn(browser, person);
    strata.clock.advance(HOUR);

    const again = await mail.signIn(browser, undefined);

    expect(claimsOf(again.id_token).auth_time).toBe(claimsOf(first.id_token).auth_time);
  });

  it('is replaced without a notice when the browser has lost its cookie and signs in again', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    const first = await notes.signIn(browser, person);
    for (const name of ['strata_session;/', 'strata_session.sig;/']) browser.cookies.delete(name);

    const second = await notes.signIn(browser, person);

    expect(sidOf(second)).not.toBe(sidOf(first));
    expect((await sessionOf(strata, first)).ended).toMatchObject({ reason: 'replaced', by: sidOf(second) });
    const refused = await notes.refresh(first.refresh_token);
    expect(refused.body).toMatchObject({ error: 'invalid_grant', error_reason: 'replaced' });
    expect((await notes.refresh(second.refresh_token)).status).toBe(200);
  });

  it('is another one for the same account in another browser', async () => {
    const person = await strata.addAccount();

    const first = await notes.signIn(newBrowser(strata), person);
    const second = await notes.signIn(newBrowser(strata), person);

    expect(sidOf(second)).not.toBe(sidOf(first));
    expect(await liveSessionsOf(strata, person)).toHaveLength(2);
  });

  it('stays with its account when another account signs in there by a page opened before', async () => {
    const person = await strata.addAccount();
    const other = await strata.addAccount();
    const browser = newBrowser(strata);
    const first = await notes.signIn(browser, person);

    const tokens = await switchAccount(browser, other);

    expect(claimsOf(tokens.id_token).sub).toBe(other.id);
    expect((await sessionOf(strata, first)).ended?.reason).toBe('signed_out');
    expect((await notes.refresh(first.refresh_token)).body.error_reason).toBe('signed_out');
    expect((await sessionOf(strata, tokens)).accountId).toBe(other.id);
    expect(await liveSessionsOf(strata, other)).toHaveLength(1);
    expect(codeOf(await browser.open(mail.ask({ prompt: 'none' }).address))).toBeTruthy();
  });

  it('names a session that is live from the moment of the sign-in, before any app', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    await submitSignIn(browser, await browser.open(notes.ask().address), person);

    const [session] = await sessionsOf(strata, person);
    expect(session).toMatchObject({ state: 'live', apps: {} });
  });
});

describe('signing out', () => {
  it('of everything ends the session and both apps (I1)', async () => {
    const { browser, first, second } = await twoApps();

    const answer = await signOut(browser, second.id_token, { logout: 'yes' });

    expect(callbackOf(answer).href).toBe('https://mail.example/');
    expect((await sessionOf(strata, first)).ended?.reason).toBe('signed_out');
    expect((await notes.refresh(first.refresh_token)).body.error_reason).toBe('signed_out');
    expect((await mail.refresh(second.refresh_token)).body.error_reason).toBe('signed_out');
    const quiet = callbackOf(await browser.open(notes.ask({ prompt: 'none' }).address));
    expect(quiet.searchParams.get('error')).toBe('login_required');
  });

  it('of one app ends that app and leaves the browser and the other app signed in', async () => {
    const { browser, first, second } = await twoApps();

    await signOut(browser, second.id_token, {});

    expect((await mail.refresh(second.refresh_token)).body.error_reason).toBe('signed_out');
    expect((await mail.userinfo(second.access_token)).status).toBe(401);
    expect((await mail.introspect(second.access_token)).body).toEqual({ active: false });
    expect((await notes.refresh(first.refresh_token)).status).toBe(200);
    expect(codeOf(await browser.open(notes.ask({ prompt: 'none' }).address))).toBeTruthy();
  });

  it('of the only app ends the session', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    const tokens = await mail.signIn(browser, person);

    await signOut(browser, tokens.id_token, {});

    expect((await sessionOf(strata, tokens)).ended?.reason).toBe('signed_out');
  });

  it('asks first: an address alone signs nobody out', async () => {
    const { browser, first, second } = await twoApps();

    await browser.open(signOutAddress(second.id_token));

    expect((await notes.refresh(first.refresh_token)).status).toBe(200);
  });

  it('refuses a confirmation without the value of its page', async () => {
    const { browser, first, second } = await twoApps();
    await browser.open(signOutAddress(second.id_token));

    const answer = await browser.post('/logout/confirm', { xsrf: 'guessed', logout: 'yes' });

    expect(answer.status).toBe(400);
    expect((await notes.refresh(first.refresh_token)).status).toBe(200);
  });
});

async function twoApps() {
  const person = await strata.addAccount();
  const browser = newBrowser(strata);
  const first = await notes.signIn(browser, person);
  const second = await mail.signIn(browser, undefined);
  return { browser, first, second };
}

function signOutAddress(idToken: string): string {
  const query = new URLSearchParams({
    id_token_hint: idToken,
    post_logout_redirect_uri: 'https://mail.example/',
  });
  return `/logout?${query}`;
}

async function signOut(browser: UserAgent, idToken: string, choice: Record<string, string>): Promise<Answer> {
  const page = await browser.open(signOutAddress(idToken));
  const { action, fields } = formOf(page);
  return browser.submit(action, { ...fields, ...choice });
}

/** Signs in as somebody else; the engine posts itself through the sign-out, by a script that must be allowed. */
async function switchAccount(browser: UserAgent, other: { email: string; password: string }) {
  const { address, verifier } = notes.ask({ prompt: 'login' });
  const between = await submitSignIn(browser, await browser.open(address), other);
  expect(between.status).toBe(200);
  const [, script = ''] = /<script>([\s\S]*?)<\/script>/.exec(between.body) ?? [];
  const hash = createHash('sha256').update(script).digest('base64');
  expect(between.headers.get('content-security-policy')).toContain(`'sha256-${hash}'`);

  const { action, fields } = formOf(between);
  const value = codeOf(await browser.submit(action, fields));
  const answer = await notes.redeem({ value, verifier });
  return answer.body;
}
