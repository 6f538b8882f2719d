// What an attack on the server tried. Each test plays the attacker, or the misfortune that comes to the same;
// each failed before the server was mended.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lockAccount } from '../../src/accounts/account-changes.ts';
import { clientRecords } from '../../src/clients/client.ts';
import type { AccountId } from '../../src/core/ids.ts';
import { patch } from '../../src/storage/store.ts';
import {
  addApp,
  type Code,
  claimsOf,
  codeOf,
  getJson,
  type JsonAnswer,
  nativeApp,
  newBrowser,
  type TestApp,
  type Tokens,
  tvApp,
  webApp,
} from '../support/app.ts';
import {
  approveDevice,
  askForDeviceCode,
  DEVICE_CODE_GRANT,
  type DeviceCode,
  pollForTokens,
} from '../support/device-flow.ts';
import { type DpopKey, dpopKey } from '../support/dpop.ts';
import { approvedPc, openPc, type Phone, pcApp, phoneApp, signedInPhone } from '../support/qr-parties.ts';
import { end, liveSessionsOf, sidOf } from '../support/sessions.ts';
import { callbackOf, submitSignIn } from '../support/sign-in.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { type Answer, formOf, type UserAgent } from '../support/user-agent.ts';

const SECOND = 1000;
const api = 'https://demo-api.example';
const reading = { scope: 'openid demo:read', resource: api };

type Person = Awaited<ReturnType<TestServer['addAccount']>>;

let hook: Awaited<ReturnType<typeof startClaimsHook>>;
let strata: TestServer;
let web: TestApp;
let native: TestApp;
let tv: TestApp;
let pcId: string;
let phoneId: string;

beforeAll(async () => {
  hook = await startClaimsHook();
  strata = await startTestServer({ config: { claimsHook: { url: hook.url } } });
  [web, native, tv] = await Promise.all([
    addApp(strata, { ...webApp, scope: 'openid demo:read sessions:read' }),
    addApp(strata, nativeApp),
    addApp(strata, tvApp),
  ]);
  pcId = (await strata.addClient(pcApp)).id;
  phoneId = (await strata.addClient(phoneApp)).id;
});

afterAll(async () => {
  await strata.close();
  await hook.close();
});

describe('a JWT of an app that was signed out', () => {
  it('stays dead when the app is opened again in the same browser (I1)', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    const before = await web.signIn(browser, person, reading);
    await (await addApp(strata, webApp)).signIn(browser, undefined);
    await web.revoke(before.refresh_token);
    const after = await web.signIn(browser, undefined, reading);

    expect(sidOf(after)).toBe(sidOf(before));
    expect((await web.introspect(before.access_token)).body).toEqual({ active: false });
    expect((await web.introspect(after.access_token)).body.active).toBe(true);
  });

  it('opens the list of sessions no more, though the app is there again', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    const asked = { scope: 'openid sessions:read', resource: `${strata.origin}/api` };
    const before = await web.signIn(browser, person, asked);
    await (await addApp(strata, webApp)).signIn(browser, undefined);
    await web.revoke(before.refresh_token);
    const after = await web.signIn(browser, undefined, asked);

    expect(await listSessions(before)).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
    expect((await listSessions(after)).status).toBe(200);
  });
});

describe('an approval whose giver was signed out since', () => {
  it('lets no app in that shows a code', async () => {
    const { person, phone, end: endPhone } = await phoneOfSomebody();
    const { pc, confirm } = await approvedPc(strata, phone, pcId);
    await endPhone();

    expect(await pc.redeem({ confirm })).toMatchObject({ status: 400, body: { error: 'access_denied' } });
    expect(await liveSessionsOf(strata, person)).toEqual([]);
  });

  it('lets no browser in at "continue as …?"', async () => {
    const { person, phone, end: endPhone } = await phoneOfSomebody();
    const { browser, question } = await questionApprovedBy(phone);
    await endPhone();

    const answer = await answerQuestion(browser, question);

    expect(answer.status).toBe(409);
    expect(answer.headers.get('location')).toBeNull();
    expect(await liveSessionsOf(strata, person)).toEqual([]);
    expect((await browser.open('/devices')).url).toMatch(/\/sign-in$/);
  });

  it('lets no TV in', async () => {
    const person = await strata.addAccount();
    const code = await askForDeviceCode(tv);
    await approveDevice(newBrowser(strata), code, person);
    const [approver] = await liveSessionsOf(strata, person);
    if (!approver) throw new Error('nobody approved');
    await end(strata, approver.id, 'kicked');

    expect(await pollForTokens(tv, code)).toMatchObject({ status: 400, body: { error: 'access_denied' } });
    expect(await liveSessionsOf(strata, person)).toEqual([]);
  });

  it('is redeemed whole or refused whole when the end comes at the same moment', async () => {
    const { person, phone, end: endPhone } = await phoneOfSomebody();
    const { pc, confirm } = await approvedPc(strata, phone, pcId);

    const [redeemed] = await Promise.all([pc.redeem({ confirm }), endPhone()]);

    const live = await liveSessionsOf(strata, person);
    expect(live).toHaveLength(redeemed.status === 200 ? 1 : 0);
  });
});

describe('a device code that is bound to a key', () => {
  it('is repeated to that key alone once it was redeemed', async () => {
    const key = await dpopKey(() => strata.clock.now());
    const thief = await dpopKey(() => strata.clock.now());
    const code = await approvedDeviceCode();
    const first = await poll(code, key);
    expect(first.status).toBe(200);

    const stolen = [await poll(code), await poll(code, thief)];
    const again = await poll(code, key);

    for (const answer of stolen) {
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      expect(answer.body).not.toHaveProperty('refresh_token');
    }
    expect(again).toMatchObject({ status: 200, body: { refresh_token: first.body.refresh_token } });
  });
});

describe('a device code that was approved', () => {
  it('ends with its own time, approved or not', async () => {
    const person = await strata.addAccount();
    const code = await askForDeviceCode(tv);
    strata.clock.advance((code.expires_in - 1) * SECOND);
    await approveDevice(newBrowser(strata), code, person);
    strata.clock.advance(SECOND);

    expect(await poll(code)).toMatchObject({ status: 400, body: { error: 'expired_token' } });
    expect((await liveSessionsOf(strata, person)).map(({ platform }) => platform)).toEqual(['web']);
  });

  it('is heard until then', async () => {
    const person = await strata.addAccount();
    const code = await askForDeviceCode(tv);
    strata.clock.advance((code.expires_in - 1) * SECOND);
    await approveDevice(newBrowser(strata), code, person);

    expect((await poll(code)).status).toBe(200);
  });
});

describe('a redemption that is refused for its resource', () => {
  const wrongResources: [string, () => string][] = [
    ['one that nobody knows', () => 'https://nobody.example'],
    ['one that was not granted', () => `${strata.origin}/api`],
  ];

  it.each(wrongResources)('%s costs no authorization code', async (_what, resource) => {
    const code = await web.code(newBrowser(strata), await strata.addAccount(), reading);

    expectWrongTarget(await withoutWrites(() => web.redeem(code, { resource: resource() })));
    expect((await web.redeem(code, { resource: api })).status).toBe(200);
  });

  it.each(wrongResources)('%s costs no approval of a phone', async (_what, resource) => {
    const { phone } = await phoneOfSomebody();
    const { pc, confirm } = await approvedPc(strata, phone, pcId);

    expectWrongTarget(await withoutWrites(() => pc.redeem({ confirm, resource: resource() })));
    expect((await pc.redeem({ confirm })).status).toBe(200);
  });
});

describe('a redemption while the claims hook is down', () => {
  it('is answered 503 and costs no authorization code', async () => {
    const code = await web.code(newBrowser(strata), await strata.addAccount(), reading);

    expectUnavailable(await whileHookIsDown(() => web.redeem(code, { resource: api })));
    const answer = await web.redeem(code, { resource: api });

    expect(answer.status).toBe(200);
    expect(claimsOf(answer.body.access_token)).toMatchObject({ level: 7 });
  });

  it('costs no device code', async () => {
    const app = await addApp(strata, { ...tvApp, scope: 'openid demo:read' });
    const code = await askForDeviceCode(app, reading);
    await approveDevice(newBrowser(strata), code, await strata.addAccount());
    const ask = () =>
      app.token({ grant_type: DEVICE_CODE_GRANT, device_code: code.device_code, resource: api });

    expectUnavailable(await whileHookIsDown(ask));
    expect((await ask()).status).toBe(200);
  });

  it('costs no approval of a phone', async () => {
    const { phone } = await phoneOfSomebody();
    const pc = await strata.addClient({ ...pcApp, scope: 'openid demo:read' });
    const screen = await openPc(strata, pc.id, reading);
    const { handshake } = (await phone.scan(screen.opened.qr_uri)).body;
    await phone.approve(handshake, (await screen.look()).body.match_number);
    const { confirm } = (await screen.look()).body.account;

    expectUnavailable(await whileHookIsDown(() => screen.redeem({ confirm, resource: api })));
    expect((await screen.redeem({ confirm, resource: api })).status).toBe(200);
  });

  it('costs no refresh token', async () => {
    const tokens = await web.signIn(newBrowser(strata), await strata.addAccount(), reading);
    const refresh = () => web.refresh(tokens.refresh_token, { resource: api });

    expectUnavailable(await whileHookIsDown(refresh));
    expect((await refresh()).status).toBe(200);
  });
});

describe('a native sign-in that was left half-way in a browser', () => {
  it('lends its account to no other sign-in of the same app', async () => {
    const { stranger, browser } = await leftAtConsent();
    const another = await strata.addAccount();
    const { address, verifier } = stranger.ask();

    const page = await browser.open(address);
    expect(page.url).toMatch(/\/sign-in$/);
    const value = codeOf(await allow(browser, await submitSignIn(browser, page, another)));

    expect(await subjectOf(stranger, { value, verifier })).toBe(another.id);
  });

  it('lends its account to no other app', async () => {
    const { browser } = await leftAtConsent();
    const another = await strata.addAccount();
    const { address, verifier } = native.ask();

    const page = await browser.open(address);
    expect(page.url).toMatch(/\/sign-in$/);
    const value = codeOf(await submitSignIn(browser, page, another));

    expect(await subjectOf(native, { value, verifier })).toBe(another.id);
  });

  it('can be gone on with after another one has been completed', async () => {
    const { stranger, browser, consent, person, verifier } = await leftAtConsent();
    await native.signIn(browser, await strata.addAccount());

    const value = codeOf(await allow(browser, consent));

    expect(await subjectOf(stranger, { value, verifier })).toBe(person.id);
  });

  it('is not broken by a request that only looks (prompt=none)', async () => {
    const { stranger, browser, consent, person, verifier } = await leftAtConsent();
    for (const app of [stranger, native]) {
      const callback = callbackOf(await browser.open(app.ask({ prompt: 'none' }).address));
      expect(callback.searchParams.get('error')).toBe('login_required');
    }

    const value = codeOf(await allow(browser, consent));

    expect(await subjectOf(stranger, { value, verifier })).toBe(person.id);
  });
});

describe('a client that was disabled', () => {
  it('has no live JWT a second later', async () => {
    const person = await strata.addAccount();
    const resource = `${strata.origin}/api`;
    const app = await addApp(strata, { ...webApp, scope: 'openid demo:read sessions:read' });
    const watcher = await addApp(strata, { ...webApp, audiences: [api] });
    const browser = newBrowser(strata);
    const forApi = await app.signIn(browser, person, reading);
    const forOwn = await app.signIn(browser, undefined, { scope: 'openid sessions:read', resource });
    expect((await watcher.introspect(forApi.access_token)).body.active).toBe(true);
    expect((await listSessions(forOwn)).status).toBe(200);

    await strata.store.commit([patch(clientRecords, app.id, { set: [[['disabled'], true]] })]);
    strata.clock.advance(SECOND);

    expect((await watcher.introspect(forApi.access_token)).body).toEqual({ active: false });
    expect(await listSessions(forOwn)).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
  });
});

describe('a browser whose account was locked while it is signed in', () => {
  it('is led to the sign-in page, and hears login_required where nobody may be asked', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    await web.signIn(browser, person);
    // The id is one that the server gave out. A lock alone ends no session.
    await lockAccount(strata, person.id as AccountId, 'test');

    const page = await browser.open(web.ask().address);
    const silent = callbackOf(await browser.open(web.ask({ prompt: 'none' }).address));

    expect(page).toMatchObject({ status: 200, url: expect.stringMatching(/\/sign-in$/) });
    expect(silent.searchParams.get('error')).toBe('login_required');
  });
});

function listSessions(tokens: Tokens) {
  return getJson(`${strata.origin}/api/sessions`, { authorization: `Bearer ${tokens.access_token}` });
}

/** A person whose phone is signed in, and what signs that phone out from elsewhere. */
async function phoneOfSomebody() {
  const person = await strata.addAccount();
  const phone = await signedInPhone(strata, phoneId, person);
  const { sid } = claimsOf(phone.accessToken);
  return { person, phone, end: () => end(strata, sid, 'kicked') };
}

/** A browser whose sign-in page a phone has let in, and the page that asks "continue as …?". */
async function questionApprovedBy(phone: Phone): Promise<{ browser: UserAgent; question: Answer }> {
  const browser = newBrowser(strata);
  const page = await browser.open(web.ask().address);
  const attribute = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(page.body)?.[1] ?? '';
  const json = { accept: 'application/json' };
  const created = await browser.post(attribute('data-create-url'), { csrf: attribute('data-csrf') }, json);
  const { qr_uri, poll_uri, continue_uri } = JSON.parse(created.body);
  const { handshake } = (await phone.scan(qr_uri)).body;
  const { match_number } = JSON.parse((await browser.get(poll_uri, json)).body);
  expect((await phone.approve(handshake, match_number)).status).toBe(204);
  return { browser, question: await browser.get(continue_uri) };
}

function answerQuestion(browser: UserAgent, question: Answer): Promise<Answer> {
  const { action, fields } = formOf(question);
  return browser.submit(action, { ...fields, decision: 'continue' });
}

async function approvedDeviceCode(): Promise<DeviceCode> {
  const code = await askForDeviceCode(tv);
  await approveDevice(newBrowser(strata), code, await strata.addAccount());
  return code;
}

/** The TV asks for its tokens, with a proof of the key where it has one. */
async function poll(code: DeviceCode, key?: DpopKey): Promise<JsonAnswer> {
  const proof = key && { dpop: await key.proof('POST', `${strata.origin}/token`) };
  return pollForTokens(tv, code, proof);
}

/** A native app of somebody else, whose person signed in and then left the question of consent open. */
async function leftAtConsent() {
  const stranger = await addApp(strata, { ...nativeApp, client_name: 'Stranger', first_party: false });
  const person: Person = await strata.addAccount();
  const browser = newBrowser(strata);
  const { address, verifier } = stranger.ask();
  const consent = await submitSignIn(browser, await browser.open(address), person);
  expect(consent.url).toMatch(/\/consent$/);
  return { stranger, person, browser, consent, verifier };
}

function allow(browser: UserAgent, consent: Answer): Promise<Answer> {
  const { action, fields } = formOf(consent);
  return browser.submit(action, { ...fields, decision: 'allow' });
}

async function subjectOf(app: TestApp, code: Code): Promise<string> {
  const { body } = await app.redeem(code);
  return claimsOf(body.id_token).sub;
}

/** What is refused must leave no trace: no session that nobody has the tokens of, and nothing consumed. */
async function withoutWrites<Outcome>(request: () => Promise<Outcome>): Promise<Outcome> {
  strata.store.reset();
  const outcome = await request();
  expect(strata.store.counts().writes).toEqual([]);
  return outcome;
}

function whileHookIsDown<Outcome>(request: () => Promise<Outcome>): Promise<Outcome> {
  return hook.downDuring(() => withoutWrites(request));
}

function expectUnavailable(answer: { status: number; headers: Headers; body: unknown }): void {
  expect(answer).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
}

function expectWrongTarget(answer: { status: number; body: unknown }): void {
  expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
}

/** An operator's service that is asked for claims, and that can be down for a while. */
async function startClaimsHook() {
  let isUp = true;
  const service = createServer((request, response) => {
    request.resume();
    response.statusCode = isUp ? 200 : 503;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ level: 7 }));
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  // A server that listens on a port has an address with one.
  const { port } = service.address() as AddressInfo;

  async function downDuring<Outcome>(request: () => Promise<Outcome>): Promise<Outcome> {
    isUp = false;
    try {
      return await request();
    } finally {
      isUp = true;
    }
  }

  return {
    url: `http://127.0.0.1:${port}/claims`,
    downDuring,
    close: () => new Promise((resolve) => service.close(resolve)),
  };
}
