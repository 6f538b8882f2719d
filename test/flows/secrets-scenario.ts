// A day of the server, with everything that people, apps and attackers do: so that every secret there is has
// passed through it. What each step achieves is tested elsewhere; here it is enough that it happened.
import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect } from 'vitest';
import { keyUses } from '../../src/keys/keyring.ts';
import {
  addApp,
  apiApp,
  basic,
  type Code,
  codeOf,
  nativeApp,
  newBrowser,
  postForm,
  type TestApp,
  type Tokens,
  tvApp,
  webApp,
} from '../support/app.ts';
import { approveDevice, askForDeviceCode, pollForTokens, typeUserCode } from '../support/device-flow.ts';
import { dpopKey } from '../support/dpop.ts';
import { callApi, openPc, pcApp, phoneApp, scannedPc, signedInPhone } from '../support/qr-parties.ts';
import { callbackOf, submitSignIn } from '../support/sign-in.ts';
import type { TestServer } from '../support/test-server.ts';
import { type Answer, formOf, type UserAgent } from '../support/user-agent.ts';
import type { Secret } from './secrets-of-traffic.ts';

type Person = Awaited<ReturnType<TestServer['addAccount']>>;

/** The API whose tokens are opaque, and the one whose tokens are JWTs. */
export const apis = [
  { identifier: 'https://opaque.example', name: 'Opaque', scopes: { see: 'See' }, tokenFormat: 'opaque' },
  { identifier: 'https://jwt.example', name: 'JWT', scopes: { look: 'Look' }, tokenFormat: 'jwt' },
] as const;

/** What no rule finds by its name; the numbers of QR sign-in are too short to look for everywhere. */
export interface Told {
  secrets: Secret[];
  numbers: string[];
}

const WINDOW_MS = 121_000;
const HUGE = 70_000;

export async function runSecretsScenario(strata: TestServer): Promise<Told> {
  const told: Told = { secrets: [], numbers: [] };
  const person = await strata.addAccount();
  told.secrets.push({ kind: 'password', value: person.password });

  await signUp(strata, told);
  await webSignIns(strata, person);
  await nativeSignIns(strata, person);
  await devices(strata, person);
  await rotations(strata);
  await services(strata);
  await consents(strata, person);
  await qrSignIns(strata, person, told);
  await ownPages(strata, person);
  await mistakes(strata, person, told);
  await breakdown(strata, person);
  return told;
}

async function signUp(strata: TestServer, told: Told): Promise<void> {
  const app = await addApp(strata, webApp);
  const browser = newBrowser(strata);
  const page = await browser.open(app.ask().address);
  const start = await browser.get(page.url.replace(/sign-in$/, 'sign-up'));
  const { action, fields } = formOf(start);
  const email = 'newcomer@example.com';
  const confirm = formOf(await browser.submit(action, { ...fields, email }));
  const code = await mailedCode(strata);
  told.secrets.push({ kind: 'mail code', value: code });

  const typed = { ...confirm.fields, email, name: 'New', password: randomPassword(), code };
  const refusals = [
    { ...typed, code: '12345678' },
    { ...typed, password: 'short' },
    { ...typed, csrf: randomPassword() },
  ];
  for (const refused of refusals) {
    expect((await browser.post(confirm.action, refused)).status).toBeGreaterThanOrEqual(400);
  }
  const done = await browser.submit(confirm.action, typed);
  expect((await app.redeem({ value: codeOf(done), verifier: 'wrong' })).status).toBe(400);
  await browser.get('/outbox');
}

async function mailedCode({ server }: TestServer): Promise<string> {
  const [mail] = server.outbox?.list() ?? [];
  const [code] = /\d{8}/.exec(mail?.text.replaceAll(/(?<=\d)[ -](?=\d)/g, '') ?? '') ?? [];
  if (code === undefined) throw new Error(`no code in ${mail?.text}`);
  return code;
}

async function webSignIns(strata: TestServer, person: Person): Promise<void> {
  const app = await addApp(strata, {
    ...webApp,
    post_logout_redirect_uris: ['https://notes.example/'],
  });
  const browser = newBrowser(strata);
  const page = await browser.open(app.ask({ state: randomPassword(), nonce: randomPassword() }).address);
  const wrong = await submitSignIn(browser, page, { ...person, password: randomPassword() });
  expect(wrong.status).toBe(401);
  await submitSignIn(browser, page, { email: randomPassword(), password: randomPassword() });

  const first = await app.signIn(browser, person, { scope: 'openid profile email offline_access' });
  const code = await app.code(browser, undefined);
  const second: Tokens = (await app.redeem(code)).body;
  await inspectAll(app, first);
  await app.redeem(code);

  const next: Tokens = (await app.refresh(first.refresh_token)).body;
  const newest: Tokens = (await app.refresh(next.refresh_token)).body;
  await app.refresh(newest.refresh_token, { scope: 'openid admin' });
  strata.clock.advance(WINDOW_MS);
  await app.refresh(newest.refresh_token);
  expect((await app.refresh(first.refresh_token)).body.error_reason).toBe('reuse');
  expect((await app.redeem(code)).status).toBe(400);
  await app.revoke(second.refresh_token);
  await signOut(app, browser, person);
}

async function inspectAll(app: TestApp, tokens: Tokens): Promise<void> {
  await app.userinfo(tokens.access_token);
  await app.userinfo(tokens.refresh_token);
  for (const token of [tokens.access_token, tokens.refresh_token, tokens.id_token]) {
    await app.introspect(token);
    await app.introspect(token, { token_type_hint: 'refresh_token' });
  }
  await app.revoke(tokens.id_token);
}

async function signOut(app: TestApp, browser: UserAgent, person: Person): Promise<void> {
  const tokens = await app.signIn(browser, person);
  const query = new URLSearchParams({
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: 'https://notes.example/',
  });
  const first = formOf(await browser.open(`/logout?${query}`));
  await browser.post(first.action, { ...first.fields, xsrf: randomPassword() });
  const { action, fields } = formOf(await browser.open(`/logout?${query}`));
  expect((await browser.post(action, { ...fields, logout: 'yes' })).status).toBe(303);
}

async function nativeSignIns(strata: TestServer, person: Person): Promise<void> {
  const app = await addApp(strata, nativeApp);
  const tokens = await app.signIn(newBrowser(strata), person, { installation_id: 'installation-1' });
  await app.refresh(tokens.refresh_token);
  await inspectAll(app, tokens);

  const key = await dpopKey(() => strata.clock.now());
  const url = `${strata.origin}/token`;
  const proof = async () => ({ dpop: await key.proof('POST', url) });
  const code = await app.code(newBrowser(strata), person, { dpop_jkt: key.thumbprint });
  const bound = await app.redeem(code, {}, await proof());
  expect(bound.body.token_type).toBe('DPoP');
  const spent = await proof();
  await app.refresh(bound.body.refresh_token, {}, spent);
  expect((await app.refresh(bound.body.refresh_token, {}, spent)).status).toBe(400);
  await app.refresh(bound.body.refresh_token);
}

async function devices(strata: TestServer, person: Person): Promise<void> {
  const tv = await addApp(strata, tvApp);
  const browser = newBrowser(strata);
  const code = await askForDeviceCode(tv, { installation_id: 'tv-1' });
  await pollForTokens(tv, code);
  await typeUserCode(browser, 'BCDF-GHJK');
  await browser.open(code.verification_uri_complete);
  await approveDevice(browser, code, person);
  await typeUserCode(browser, code.user_code);
  strata.clock.advance(6_000);
  const tokens: Tokens = (await pollForTokens(tv, code)).body;
  expect((await tv.refresh(tokens.refresh_token)).status).toBe(200);

  const refused = await askForDeviceCode(tv);
  const { action, fields } = formOf(await typeUserCode(browser, refused.user_code));
  await browser.submit(action, { ...fields, abort: 'yes' });
  await pollForTokens(tv, refused);
}

/** From here on everything is signed, sealed and numbered with keys that were made while it was watched. */
async function rotations({ server }: TestServer): Promise<void> {
  for (const use of keyUses) await server.keyring.rotate(use, { leadMs: 0 });
  await server.reloadKeys();
}

async function services(strata: TestServer): Promise<void> {
  const service = await addApp(strata, { ...apiApp, audiences: apis.map(({ identifier }) => identifier) });
  for (const { identifier: resource, scopes } of apis) {
    const [scope = ''] = Object.keys(scopes);
    const { body } = await service.token({ grant_type: 'client_credentials', resource, scope });
    expect((await service.introspect(body.access_token)).body.active).toBe(true);
    await service.revoke(body.access_token);
  }
  await byAssertion(strata);
}

/** RFC 7523: a client that signs instead of knowing a secret. */
async function byAssertion(strata: TestServer): Promise<void> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig' }] };
  const { id } = await strata.addClient({
    ...apiApp,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks,
  });
  const assertion = await new SignJWT({ jti: randomPassword() })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(id)
    .setSubject(id)
    .setAudience(strata.origin)
    .setExpirationTime(Math.floor(strata.clock.now() / 1000) + 60)
    .sign(privateKey);
  const form = {
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
    resource: apis[0].identifier,
  };
  expect((await postForm(`${strata.origin}/token`, form)).status).toBe(200);
  expect((await postForm(`${strata.origin}/token`, form)).status).toBe(401);
}

async function consents(strata: TestServer, person: Person): Promise<void> {
  const app = await addApp(strata, { ...webApp, first_party: false });
  const browser = newBrowser(strata);
  const refused = await consentPage(app, browser, person);
  const form = formOf(refused);
  expect(callbackOf(await browser.submit(form.action, { ...form.fields, decision: 'deny' })).search).toMatch(
    /access_denied/,
  );
  const asked = app.ask({ scope: 'openid email' });
  const again = formOf(await browser.open(asked.address));
  const allowed = await browser.submit(again.action, { ...again.fields, decision: 'allow' });
  const code: Code = { value: codeOf(allowed), verifier: asked.verifier };
  expect((await app.redeem(code)).status).toBe(200);

  const pushed = await app.post('/par', Object.fromEntries(new URL(app.ask().address).searchParams));
  const short = new URLSearchParams({ client_id: app.id, request_uri: pushed.body.request_uri });
  await browser.open(`/authorize?${short}`);
  await browser.open(`/authorize?${short}`);
}

async function consentPage(app: TestApp, browser: UserAgent, person: Person): Promise<Answer> {
  return submitSignIn(browser, await browser.open(app.ask({ scope: 'openid email' }).address), person);
}

async function qrSignIns(strata: TestServer, person: Person, told: Told): Promise<void> {
  const phoneId = (await strata.addClient(phoneApp)).id;
  const pcId = (await strata.addClient(pcApp)).id;
  const phone = await signedInPhone(strata, phoneId, person);

  const { pc, handshake, number } = await scannedPc(strata, phone, pcId);
  told.numbers.push(number);
  await phone.approve(handshake, number === '11' ? '12' : '11');
  await phone.approve(handshake, number);
  await pc.redeem();
  const { account } = (await pc.look()).body;
  expect((await pc.redeem({ confirm: account.confirm })).status).toBe(200);
  await pc.redeem({ confirm: account.confirm });
  await phone.scan(pc.opened.qr_uri);

  const other = await openPc(strata, pcId);
  strata.clock.advance(61_000);
  await other.look();
  const scanned = await phone.scan((await other.look()).body.qr_uri);
  await phone.deny(scanned.body.handshake);
  await other.redeem();
  await openPc(strata, pcId).then((given) => given.cancel());
  await qrPanel(strata, person, phoneId, told);
}

async function qrPanel(strata: TestServer, person: Person, phoneId: string, told: Told): Promise<void> {
  const app = await addApp(strata, webApp);
  const phone = await signedInPhone(strata, phoneId, person);
  const browser = newBrowser(strata);
  const page = await browser.open(app.ask().address);
  const attribute = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(page.body)?.[1] ?? '';
  const csrf = attribute('data-csrf');
  const { body } = await browser.post(attribute('data-create-url'), { csrf });
  const opened = JSON.parse(body);
  const { handshake } = (await phone.scan(opened.qr_uri)).body;
  const { match_number: number } = JSON.parse((await browser.get(opened.poll_uri)).body);
  told.numbers.push(number);
  await phone.approve(handshake, number);
  const form = formOf(await browser.get(opened.continue_uri));
  const answer = await browser.submit(form.action, { ...form.fields, decision: 'continue' });
  expect(codeOf(answer)).not.toBe('');
}

async function ownPages(strata: TestServer, person: Person): Promise<void> {
  const browser = newBrowser(strata);
  const page = await submitSignIn(browser, await browser.open('/devices'), person);
  const csrf = formOf(page).fields.csrf ?? '';
  await browser.post('/devices/sign-out-others', { csrf });
  // Whoever authenticated in the moment of that end is not let in.
  strata.clock.advance(1_000);
  const phoneId = (await strata.addClient(phoneApp)).id;
  const phone = await signedInPhone(strata, phoneId, person, 'openid sessions:read sessions:end');
  const headers = { authorization: `Bearer ${phone.accessToken}` };
  const { sessions } = (await callApi(`${strata.origin}/api/sessions`, { headers })).body;
  for (const { session_id: id } of sessions) {
    await callApi(`${strata.origin}/api/sessions/${id}`, { method: 'DELETE', headers });
  }
  await callApi(`${strata.origin}/api/sessions`, { headers });
  await browser.open('/devices');
}

/** Requests that nobody honest sends, or only with a bug: with real secrets in the wrong places. */
async function mistakes(strata: TestServer, person: Person, told: Told): Promise<void> {
  const app = await addApp(strata, webApp);
  const tokens = await app.signIn(newBrowser(strata), person);
  const code = await app.code(newBrowser(strata), person);
  const canary = () => {
    const value = randomPassword();
    told.secrets.push({ kind: 'canary', value });
    return value;
  };
  const spread = () => ({
    access_token: tokens.access_token,
    refresh_token: tokens.refresh_token,
    id_token_hint: tokens.id_token,
    code: code.value,
    code_verifier: code.verifier,
    client_secret: app.secret,
    password: person.password,
    other: canary(),
  });
  const paths =
    '/authorize /token /introspect /revoke /par /userinfo /logout /device /device/authorize /jwks';
  const own = '/sign-in /signed-in /signed-out /devices /outbox /api/sessions /api/qr/scan /nowhere /healthz';
  for (const path of `${paths} ${own} /interaction/nothing /interaction/nothing/sign-in`.split(' ')) {
    await misplaced(strata, path, spread);
  }
  await app.post('/token', { grant_type: canary(), ...spread() });
  await app.token({ grant_type: 'refresh_token', refresh_token: `${tokens.refresh_token}x` });
  await app.redeem({ ...code, verifier: `${code.verifier.slice(1)}x` });
  const credentials = [basic(app.id, canary()), basic(canary(), app.secret), `Basic ${canary()}`, canary()];
  for (const authorization of credentials) {
    await postForm(`${strata.origin}/token`, { grant_type: 'client_credentials' }, { authorization });
  }
  const wrongRequests = [{ redirect_uri: `https://${canary()}.example` }, { scope: canary() }];
  for (const parameters of [...wrongRequests, { request: canary() }, { prompt: canary() }]) {
    await newBrowser(strata).open(app.ask(parameters).address);
  }
}

async function misplaced(
  { origin }: TestServer,
  path: string,
  spread: () => Record<string, string>,
): Promise<void> {
  const form = new URLSearchParams(spread()).toString();
  const type = (name: string) => ({ 'content-type': name });
  const bearer = { authorization: `Bearer ${spread().access_token}x` };
  const attempts: RequestInit[] = [
    { headers: { accept: 'text/html', 'x-token': spread().other ?? '', cookie: `strata_session=${form}` } },
    { headers: bearer },
    { method: 'POST', body: form, headers: type('application/x-www-form-urlencoded') },
    { method: 'POST', body: `${form}&${form}`, headers: type('application/x-www-form-urlencoded') },
    { method: 'POST', body: JSON.stringify(spread()), headers: type('application/json') },
    {
      method: 'POST',
      body: `{"password":"${spread().other}`,
      headers: { ...type('application/json'), ...bearer },
    },
    { method: 'POST', body: form, headers: type('text/plain') },
    { method: 'POST', body: form.padEnd(HUGE, '&x=y'), headers: type('application/x-www-form-urlencoded') },
    { method: 'DELETE', headers: bearer },
  ];
  for (const attempt of attempts) {
    await fetch(`${origin}${path}?${form}&bad=%zz`, { redirect: 'manual', ...attempt });
  }
}

/** What the log says when the server itself fails, in the middle of requests that are full of secrets. */
async function breakdown(strata: TestServer, person: Person): Promise<void> {
  const app = await addApp(strata, webApp);
  const browser = newBrowser(strata);
  const tokens = await app.signIn(browser, person);
  const page = await browser.open(newApp(app).address);
  const { get, commit } = strata.store;
  strata.store.commit = async () => {
    throw new TypeError('the disk is gone');
  };
  await app.refresh(tokens.refresh_token);
  await submitSignIn(browser, page, person);
  strata.store.get = async () => {
    throw new TypeError('the disk is gone');
  };
  await app.refresh(tokens.refresh_token);
  await app.userinfo(tokens.access_token);
  await browser.open(app.ask().address);
  await submitSignIn(browser, page, person);
  strata.store.get = get;
  strata.store.commit = commit;
}

function newApp(app: TestApp): { address: string } {
  return app.ask({ prompt: 'login' });
}

function randomPassword(): string {
  return randomBytes(18).toString('base64url');
}
