// I9: while the store is away every endpoint says so, with 503 and when to come back. An outage must never look
// like a refusal: an app that hears `invalid_grant` throws its tokens away, a browser that is sent to sign in has
// lost its session.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAP_TOKEN_GRANT } from '../../src/clients/client.ts';
import { DomainError } from '../../src/core/errors.ts';
import { addApp, apiApp, nativeApp, newBrowser, type TestApp, tvApp, webApp } from '../support/app.ts';
import { approveDevice, askForDeviceCode, DEVICE_CODE_GRANT, typeUserCode } from '../support/device-flow.ts';
import { approvedPc, pcApp, phoneApp, signedInPhone } from '../support/qr-parties.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { type Answer, formOf, type UserAgent } from '../support/user-agent.ts';

type Request = () => Promise<{ status: number; headers: Headers }>;

let strata: TestServer;
let person: Awaited<ReturnType<TestServer['addAccount']>>;
let web: TestApp;
let native: TestApp;
let tv: TestApp;

beforeAll(async () => {
  strata = await startTestServer();
  web = await addApp(strata, webApp);
  native = await addApp(strata, nativeApp);
  tv = await addApp(strata, tvApp);
});

afterAll(() => strata.close());

/** Each prepares a request that works; the store is away only while it runs. */
const requests: Record<string, () => Promise<Request>> = {
  'a refresh': async () => {
    const tokens = await web.signIn(newBrowser(strata), person);
    return () => web.refresh(tokens.refresh_token);
  },
  'a code of a browser': async () => {
    const code = await web.code(newBrowser(strata), person);
    return () => web.redeem(code);
  },
  'a code of a native app': async () => {
    const code = await native.code(newBrowser(strata), person);
    return () => native.redeem(code);
  },
  'a code for an opaque token': async () => {
    const code = await web.code(newBrowser(strata), person, { scope: 'openid email' });
    return () => web.redeem(code);
  },
  'a device code': async () => {
    const code = await askForDeviceCode(tv);
    await approveDevice(newBrowser(strata), code, person);
    return () => tv.token({ grant_type: DEVICE_CODE_GRANT, device_code: code.device_code });
  },
  'client credentials': async () => {
    const fresh = await addApp(strata, apiApp);
    return () => fresh.token({ grant_type: 'client_credentials' });
  },
  'an introspection': async () => {
    const tokens = await web.signIn(newBrowser(strata), person);
    return () => web.introspect(tokens.access_token);
  },
  'an introspection of a refresh token': async () => {
    const tokens = await web.signIn(newBrowser(strata), person);
    return () => web.introspect(tokens.refresh_token);
  },
  'a revocation': async () => {
    const tokens = await web.signIn(newBrowser(strata), person);
    return () => web.revoke(tokens.refresh_token);
  },
  userinfo: async () => {
    const tokens = await web.signIn(newBrowser(strata), person);
    return () => web.userinfo(tokens.access_token);
  },
  'a pushed request': async () => {
    const parameters = Object.fromEntries(new URL(web.ask().address).searchParams);
    return () => web.post('/par', parameters);
  },
  'a device authorization': async () => () => tv.post('/device/authorize', { scope: 'openid' }),
  'an authorization without a session': async () => () => newBrowser(strata).get(web.ask().address),
  'an authorization with a session': async () => {
    const browser = await signedIn();
    return () => browser.get(web.ask().address);
  },
  'an authorization of a pushed request': async () => {
    const browser = await signedIn();
    const pushed = await web.post('/par', Object.fromEntries(new URL(web.ask().address).searchParams));
    const query = new URLSearchParams({ client_id: web.id, request_uri: pushed.body.request_uri });
    return () => browser.get(`/authorize?${query}`);
  },
  'the sign-in page': async () => {
    const { browser, page } = await signInPage();
    return () => browser.get(page.url);
  },
  'a password': async () => {
    const { browser, page } = await signInPage();
    const { action, fields } = formOf(page);
    return () => browser.post(action, { ...fields, identifier: person.email, password: person.password });
  },
  'the way back from a sign-in': async () => {
    const { browser, page } = await signInPage();
    const { action, fields } = formOf(page);
    const answer = await browser.post(action, {
      ...fields,
      identifier: person.email,
      password: person.password,
    });
    return () => browser.get(answer.headers.get('location') ?? '');
  },
  'a sign-up': async () => {
    const { browser, page } = await signInPage();
    const { action, fields } = formOf(await browser.get(page.url.replace(/sign-in$/, 'sign-up')));
    return () => browser.post(action, { ...fields, email: `${Math.random()}@example.com` });
  },
  'a consent': async () => {
    const browser = await signedIn();
    const other = await addApp(strata, { ...webApp, first_party: false });
    const { action, fields } = formOf(await browser.open(other.ask({ scope: 'openid email' }).address));
    return () => browser.post(action, { ...fields, decision: 'allow' });
  },
  'the page of devices': async () => {
    const browser = await signedIn();
    return () => browser.get('/devices');
  },
  'a sign-out from elsewhere': async () => {
    const browser = await signedIn();
    const { csrf = '' } = formOf(await browser.get('/devices')).fields;
    return () => browser.post('/devices/sign-out-others', { csrf });
  },
  'the page of a TV code': async () => () => newBrowser(strata).get('/device'),
  'a TV code': async () => {
    const browser = await signedIn();
    const { user_code: userCode } = await askForDeviceCode(tv);
    const { action, fields } = formOf(await browser.get('/device'));
    return () => browser.post(action, { ...fields, user_code: userCode });
  },
  'the approval of a TV': async () => {
    const browser = await signedIn();
    const { user_code: userCode } = await askForDeviceCode(tv);
    const { action, fields } = formOf(await typeUserCode(browser, userCode));
    return () => browser.post(action, { ...fields, confirm: 'yes' });
  },
  'the page to sign out': async () => {
    const browser = await signedIn();
    return () => browser.get('/logout');
  },
  'a sign-out': async () => {
    const browser = await signedIn();
    const { action, fields } = formOf(await browser.get('/logout'));
    return () => browser.post(action, { ...fields, logout: 'yes' });
  },
  'the list of sessions': async () => {
    const phone = await signedInPhone(strata, await newPhone(), person, 'openid sessions:read');
    const headers = { authorization: `Bearer ${phone.accessToken}` };
    return () => fetch(`${strata.origin}/api/sessions`, { headers });
  },
  'a QR transaction': async () => {
    const { id } = await strata.addClient(pcApp);
    const body = JSON.stringify({
      client_id: id,
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    });
    const headers = { 'content-type': 'application/json' };
    return () => fetch(`${strata.origin}/api/qr/transactions`, { method: 'POST', headers, body });
  },
  'a map_token': async () => {
    const phone = await signedInPhone(strata, await newPhone(), person);
    const { id } = await strata.addClient(pcApp);
    const { pc, confirm } = await approvedPc(strata, phone, id);
    const form = {
      grant_type: MAP_TOKEN_GRANT,
      client_id: id,
      map_token: pc.opened.map_token,
      code_verifier: pc.verifier,
      confirm,
    };
    return () => fetch(`${strata.origin}/token`, { method: 'POST', body: new URLSearchParams(form) });
  },
};

describe('while the store is away', () => {
  it.each(Object.entries(requests))(
    '%s is answered with 503 and Retry-After, whichever of its reads or writes fails (I9)',
    async (_what, prepare) => {
      let failed = 0;
      for (let nth = 1; nth <= 40; nth += 1) {
        // Somebody new each time, so that nobody's list of sessions grows.
        person = await strata.addAccount();
        const request = await prepare();
        // What a process remembers of clients for a second would spare the read.
        strata.clock.advance(1_100);
        const { answer, hasFailed } = await failingAt(nth, request);
        if (!hasFailed) break;

        failed += 1;
        if (tellsApp(answer.headers)) continue;
        expect({ nth, status: answer.status }).toEqual({ nth, status: 503 });
        expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
      }
      expect(failed).toBeGreaterThan(0);
    },
    60_000,
  );
});

async function failingAt(nth: number, request: Request) {
  let count = 0;
  const { store } = strata;
  const { get, find, list, commit } = store;
  function orAway<Given extends unknown[], Answer>(ask: (...given: Given) => Promise<Answer>) {
    return async (...given: Given): Promise<Answer> => {
      if (inBackground.has(given[1])) return ask(...given);

      count += 1;
      if (count === nth) throw new DomainError('store_unavailable', { detail: 'the disk is gone' });
      return ask(...given);
    };
  }
  Object.assign(store, {
    get: orAway(get),
    find: orAway(find),
    list: orAway(list),
    commit: orAway(commit),
  });
  const answer = await request();
  Object.assign(store, { get, find, list, commit });
  return { answer, hasFailed: count >= nth };
}

/** What the sweeper and the followers of QR transactions read, whatever is asked for meanwhile. */
const inBackground: ReadonlySet<unknown> = new Set(['due', 'changes']);

/** RFC 6749 §4.1.2.1. */
function tellsApp(headers: Headers): boolean {
  return /^https:\/\/notes\.example\/callback\?error=temporarily_unavailable&/.test(
    headers.get('location') ?? '',
  );
}

async function signedIn(): Promise<UserAgent> {
  const browser = newBrowser(strata);
  await web.signIn(browser, person);
  return browser;
}

async function signInPage(): Promise<{ browser: UserAgent; page: Answer }> {
  const browser = newBrowser(strata);
  return { browser, page: await browser.open(web.ask().address) };
}

async function newPhone(): Promise<string> {
  return (await strata.addClient(phoneApp)).id;
}
