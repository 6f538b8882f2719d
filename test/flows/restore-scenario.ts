// What happens at a server around a backup: before it people sign in and codes are handed out; after it devices
// refresh on, some of the codes are used, others come and go. All within a minute, so that no code runs out.
import { randomBytes } from 'node:crypto';
import { createAccount } from '../../src/accounts/account.ts';
import type { ClientMetadata } from '../../src/clients/client.ts';
import { endSession } from '../../src/sessions/ending.ts';
import {
  addApp,
  apiApp,
  type Code,
  codeOf,
  type JsonAnswer,
  nativeApp,
  type Parameters,
  type TestApp,
  type Tokens,
  tvApp,
  webApp,
} from '../support/app.ts';
import { approveDevice, askForDeviceCode, type DeviceCode, pollForTokens } from '../support/device-flow.ts';
import { type DpopKey, dpopKey } from '../support/dpop.ts';
import { approvedPc, openPc, type Pc, pcApp, phoneApp, phoneWith } from '../support/qr-parties.ts';
import type { RestorePlace } from '../support/restore-place.ts';
import { sidOf } from '../support/sessions.ts';
import type { Person } from '../support/sign-in.ts';
import { formOf, type UserAgent, userAgent } from '../support/user-agent.ts';

export interface SignedInDevice {
  app: TestApp;
  tokens: Tokens;
  /** All refresh tokens that it has had, oldest first. */
  chain: string[];
  /** Refreshes with its newest token, or with another one. */
  refresh(token?: string): Promise<JsonAnswer>;
}

export interface Form {
  browser: UserAgent;
  action: string;
  fields: Record<string, string>;
}

export interface Life {
  person: Person & { id: string };
  apps: { web: TestApp; native: TestApp; tv: TestApp; job: TestApp };
  /** Signed in before the backup. */
  devices: { web: SignedInDevice; phone: SignedInDevice; tv: SignedInDevice; bound: SignedInDevice };
  /** Signed in before the backup, and signed out after it. */
  endedLater: SignedInDevice;
  boundKey: DpopKey;
  /** Handed out before the backup: one that is used after it, and one that is not. */
  codes: [used: Code, kept: Code];
  deviceCodes: [used: DeviceCode, kept: DeviceCode, pending: DeviceCode];
  screens: [used: Screen, kept: Screen];
  waitingScreen: Pc;
  signUps: [used: Form, kept: Form];
  pushed: [used: string, kept: string];
  signInPage: Form;
  /** Opaque and JWT; both were revoked after the backup. */
  accessTokens: { opaque: string; jwt: string; job: string };
}

export interface Screen {
  pc: Pc;
  confirm: string;
}

export interface LaterLife {
  /** Signed in after the backup. */
  newcomer: SignedInDevice;
  /** Headers of a refresh that was made with a proof. */
  usedProof: Parameters;
  /** The same, of a proof that carried a nonce. */
  usedNonceProof: Parameters;
  /** The token that it was made with. */
  provenWith: string;
  newAccount: Person;
}

export const api = 'https://demo-api.example';

export async function liveUntilBackup(place: RestorePlace): Promise<Life> {
  const strata = serverOf(place);
  const person = await addPerson(place);
  const [web, native, tv, job] = await Promise.all(
    [webApp, nativeApp, tvApp, { ...apiApp, scope: 'demo:read' }].map((each) => addApp(strata, each)),
  );
  if (!web || !native || !tv || !job) throw new Error('four apps');

  const boundKey = await dpopKey(() => place.clock.now());
  const proof = async () => ({ dpop: await boundKey.proof('POST', `${place.origin}/token`) });
  const devices = {
    web: device(web, await web.signIn(browserAt(place), person)),
    phone: device(native, await native.signIn(browserAt(place), person)),
    tv: device(tv, await tvTokens(place, tv, person)),
    bound: device(
      native,
      (await native.redeem(await native.code(browserAt(place), person), {}, await proof())).body,
      proof,
    ),
  };
  const endedLater = device(native, await native.signIn(browserAt(place), person));
  for (const each of [...Object.values(devices), endedLater]) await each.refresh();

  return {
    person,
    apps: { web, native, tv, job },
    devices,
    endedLater,
    boundKey,
    codes: [await native.code(browserAt(place), person), await native.code(browserAt(place), person)],
    deviceCodes: [
      await approvedDeviceCode(place, tv, person),
      await approvedDeviceCode(place, tv, person),
      await askForDeviceCode(tv),
    ],
    ...(await qrScreens(place, person)),
    signUps: [await openSignUp(place, web), await openSignUp(place, web)],
    pushed: [await push(web), await push(web)],
    signInPage: await openSignInPage(place, web),
    accessTokens: await someAccessTokens(place, { web, job, person }),
  };
}

export async function liveOnAfterBackup(place: RestorePlace, life: Life): Promise<LaterLife> {
  const { devices, apps, person } = life;
  for (let round = 0; round < 3; round += 1) {
    for (const each of Object.values(devices)) await each.refresh();
  }
  const provenWith = devices.bound.chain.at(-1) ?? '';
  const usedProof = { dpop: await life.boundKey.proof('POST', `${place.origin}/token`) };
  const proven = succeed(await apps.native.refresh(provenWith, {}, usedProof));
  const nonce = proven.headers.get('dpop-nonce') ?? '';
  const usedNonceProof = {
    dpop: await life.boundKey.proof('POST', `${place.origin}/token`, undefined, nonce),
  };
  succeed(await apps.native.refresh(provenWith, {}, usedNonceProof));

  succeed(await apps.native.redeem(life.codes[0]));
  succeed(await pollForTokens(apps.tv, life.deviceCodes[0]));
  succeed(await redeemScreen(life.screens[0]));
  const newAccount = await finishSignUp(life.signUps[0]);
  const short = await browserAt(place).open(shortAddress(place, apps.web, life.pushed[0]));
  if (short.status !== 200) throw new Error(`the pushed request is not taken: ${short.status}`);

  await endSession(
    { ...place, settings: { tombstonesMs: 1e9, accessTokenMaxMs: 1e6 } },
    sidOf(life.endedLater.tokens),
    { reason: 'kicked', by: 'account' },
  );
  for (const token of [life.accessTokens.opaque, life.accessTokens.jwt]) await apps.web.revoke(token);
  const newcomer = device(apps.native, await apps.native.signIn(browserAt(place), person));
  await newcomer.refresh();
  return { newcomer, usedProof, usedNonceProof, provenWith, newAccount };
}

export function browserAt(place: RestorePlace): UserAgent {
  return userAgent(place.origin);
}

export function shortAddress(place: RestorePlace, app: TestApp, requestUri: string): string {
  return `${place.origin}/authorize?${new URLSearchParams({ client_id: app.id, request_uri: requestUri })}`;
}

export function redeemScreen({ pc, confirm }: Screen): Promise<{ status: number; body: JsonAnswer['body'] }> {
  return pc.redeem({ confirm });
}

export async function finishSignUp({ browser, action, fields }: Form): Promise<Person> {
  const done = await browser.submit(action, fields);
  codeOf(done);
  return { email: fields.email ?? '', password: fields.password ?? '' };
}

/** What it is answered is remembered as its newest token. */
function device(
  app: TestApp,
  tokens: Tokens,
  headers: () => Promise<Parameters> = async () => ({}),
): SignedInDevice {
  const chain = [tokens.refresh_token];
  async function refresh(token = chain.at(-1) ?? ''): Promise<JsonAnswer> {
    const answer = await app.refresh(token, {}, await headers());
    const next = answer.body.refresh_token;
    if (next !== undefined && !chain.includes(next)) chain.push(next);
    return answer;
  }
  return { app, tokens, chain, refresh };
}

/** As the parties in test/support want it: they ask for where it is, and for clients. */
function serverOf(place: RestorePlace) {
  return {
    origin: place.origin,
    addClient: async (metadata: ClientMetadata) => {
      const { client, secret = '' } = await place.server.clients.create(metadata);
      return { id: client.id, secret };
    },
  };
}

async function addPerson({ server }: RestorePlace): Promise<Life['person']> {
  const password = randomBytes(12).toString('base64url');
  const email = 'ada@example.com';
  const passwordHash = await server.passwords.hash(password);
  const outcome = await createAccount(server, { name: 'Ada', email, emailVerified: true, passwordHash });
  if (outcome.kind !== 'created') throw new Error(outcome.kind);
  return { id: outcome.account.id, email, password };
}

async function tvTokens(place: RestorePlace, tv: TestApp, person: Person): Promise<Tokens> {
  const answer = await pollForTokens(tv, await approvedDeviceCode(place, tv, person));
  return succeed(answer).body;
}

async function approvedDeviceCode(place: RestorePlace, tv: TestApp, person: Person): Promise<DeviceCode> {
  const code = await askForDeviceCode(tv);
  await approveDevice(browserAt(place), code, person);
  return code;
}

async function qrScreens(
  place: RestorePlace,
  person: Person,
): Promise<Pick<Life, 'screens' | 'waitingScreen'>> {
  const strata = serverOf(place);
  const phone = await addApp(strata, phoneApp);
  const pc = await strata.addClient(pcApp);
  const { access_token } = await phone.signIn(browserAt(place), person, {
    scope: 'openid qr:approve',
    resource: `${place.origin}/api`,
  });
  const screen = () => approvedPc(strata, phoneWith(strata, access_token), pc.id);
  return { screens: [await screen(), await screen()], waitingScreen: await openPc(strata, pc.id) };
}

/** Up to the form that takes the mailed code, filled in. */
async function openSignUp(place: RestorePlace, app: TestApp): Promise<Form> {
  const browser = browserAt(place);
  const page = await browser.open(app.ask().address);
  const start = formOf(await browser.get(page.url.replace(/sign-in$/, 'sign-up')));
  const email = `${randomBytes(6).toString('hex')}@example.com`;
  const { action, fields } = formOf(await browser.submit(start.action, { ...start.fields, email }));
  const [mail] = place.server.outbox?.list() ?? [];
  const [code = ''] = /\d{8}/.exec(mail?.text.replaceAll(/(?<=\d)[ -](?=\d)/g, '') ?? '') ?? [];
  const password = randomBytes(12).toString('base64url');
  return { browser, action, fields: { ...fields, email, name: 'New', password, code } };
}

async function push(app: TestApp): Promise<string> {
  const parameters = Object.fromEntries(new URL(app.ask().address).searchParams);
  return (await app.post('/par', parameters)).body.request_uri;
}

async function openSignInPage(place: RestorePlace, app: TestApp): Promise<Form> {
  const browser = browserAt(place);
  return { browser, ...formOf(await browser.open(app.ask().address)) };
}

async function someAccessTokens(
  place: RestorePlace,
  { web, job, person }: { web: TestApp; job: TestApp; person: Person },
): Promise<Life['accessTokens']> {
  const opaque = await web.signIn(browserAt(place), person);
  const jwt = await web.signIn(browserAt(place), person, { scope: 'openid demo:read', resource: api });
  const forJob = await job.token({ grant_type: 'client_credentials', resource: api, scope: 'demo:read' });
  return { opaque: opaque.access_token, jwt: jwt.access_token, job: succeed(forJob).body.access_token };
}

function succeed<Answer extends { status: number; body: unknown }>(answer: Answer): Answer {
  if (answer.status !== 200) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer;
}
