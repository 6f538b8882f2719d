// The token endpoint while answers are lost: what is redeemed, refreshed, opened and revoked there.
import { expect } from 'vitest';
import { implicitSessionId } from '../../src/grants/client-credentials.ts';
import { deviceSessions } from '../../src/sessions/device-session.ts';
import { revocations } from '../../src/sessions/revocations.ts';
import { claimsOf, newBrowser, type Parameters, type TestApp, type Tokens } from '../support/app.ts';
import { approveDevice, askForDeviceCode, pollForTokens } from '../support/device-flow.ts';
import { dpopKey } from '../support/dpop.ts';
import { type ApiAnswer, approvedPc, signedInPhone } from '../support/qr-parties.ts';
import { end, sessionOf, sidOf } from '../support/sessions.ts';
import type { Journey } from './lost-answers.ts';
import {
  chainsOf,
  expectRefreshes,
  expectRefused,
  jwt,
  newApiApp,
  type Stage,
  sessionsHere,
} from './lost-answers-stage.ts';

export const grants: Record<string, (stage: Stage) => Promise<Journey>> = {
  'a code of a browser': (stage) => codeOfBrowser(stage, jwt),
  'a code of a browser, for an opaque token': (stage) => codeOfBrowser(stage, {}),
  'a code of a native app': codeOfNativeApp,
  'a device code': deviceCode,
  'a map_token': mapToken,
  'a refresh': (stage) => refresh(stage, jwt),
  'a refresh, for an opaque token': (stage) => refresh(stage, {}),
  'a refresh with a key': refreshWithKey,
  'the first token of an API app': (stage) => apiToken(stage, { resource: jwt.resource, scope: 'demo:read' }),
  'the first token of an API app, opaque': (stage) => apiToken(stage, {}),
  'the next token of an API app that was ended': apiTokenAfterEnd,
  'a revocation': revocationOfApp,
  'a revocation of the only app': revocationOfSession,
  'a revocation of an opaque token': (stage) => revocationOfToken(stage, {}),
  'a revocation of a JWT': (stage) => revocationOfToken(stage, jwt),
};

/** What became of a code whose answer was lost costs one new request, and nobody has to sign in for it. */
async function codeOfBrowser(stage: Stage, asked: Parameters): Promise<Journey> {
  const { strata, web, person } = stage;
  const browser = newBrowser(strata);
  const code = await web.code(browser, person, asked);
  const resource: Parameters = asked.resource === undefined ? {} : { resource: asked.resource };
  const send = () => web.redeem(code, resource);

  async function recover(done: number): Promise<void> {
    const again = await send();
    const here = await sessionsHere(stage);
    expect(chainsOf(here)).toBe(1);
    expect(here.flatMap(({ apps }) => Object.values(apps)).filter(({ ended }) => ended)).toEqual([]);
    if (done > 0) expectRefused(again);

    const tokens: Tokens = done > 0 ? await web.signIn(browser, undefined, asked) : again.body;
    await expectRefreshes(web, tokens.refresh_token);
    expect(await sessionsHere(stage)).toMatchObject([{ id: sidOf(tokens) }]);
  }
  return { send, recover };
}

/** The session that nobody heard of makes room for the next one of the same installation. */
async function codeOfNativeApp(stage: Stage): Promise<Journey> {
  const { strata, native, person } = stage;
  const installation = { installation_id: 'this phone' };
  const code = await native.code(newBrowser(strata), person);
  const send = () => native.redeem(code, installation);

  async function recover(done: number): Promise<void> {
    const again = await send();
    expect(chainsOf(await sessionsHere(stage))).toBe(1);
    if (done > 0) expectRefused(again);

    const next = async () => native.redeem(await native.code(newBrowser(strata), person), installation);
    const tokens: Tokens = (done > 0 ? await next() : again).body;
    await expectRefreshes(native, tokens.refresh_token);
    expect(await sessionsHere(stage)).toMatchObject([{ id: sidOf(tokens) }]);
  }
  return { send, recover };
}

async function deviceCode(stage: Stage): Promise<Journey> {
  const { strata, tv, person } = stage;
  const code = await askForDeviceCode(tv);
  await approveDevice(newBrowser(strata), code, person);
  const send = () => pollForTokens(tv, code);
  return { send, recover: () => expectSameAgain(stage, tv, send) };
}

async function mapToken(stage: Stage): Promise<Journey> {
  const { strata, person, phoneId, pcId } = stage;
  const phone = await signedInPhone(strata, phoneId, person);
  const { pc, confirm } = await approvedPc(strata, phone, pcId);
  const send = () => pc.redeem({ confirm });
  const desk = { ...stage.native, refresh: refreshOf(stage.native, pcId) };
  return { send, recover: () => expectSameAgain(stage, desk, send) };
}

/** Design §7: whoever asks again hears the same refresh token, of the one session that there is. */
async function expectSameAgain(
  stage: Stage,
  app: Pick<TestApp, 'refresh'>,
  send: () => Promise<ApiAnswer>,
): Promise<void> {
  const first = await send();
  expect(first).toMatchObject({ status: 200 });
  const second = await send();
  expect(second.body.refresh_token).toBe(first.body.refresh_token);
  expect(sidOf(second.body)).toBe(sidOf(first.body));

  const here = await sessionsHere(stage);
  expect(here.filter(({ id }) => id === sidOf(first.body))).toHaveLength(1);
  // The other one is the grantor: the browser, or the phone, that let it in.
  expect(here).toHaveLength(2);
  const session = await sessionOf(stage.strata, first.body);
  expect(chainsOf([session])).toBe(1);
  expect((await app.refresh(first.body.refresh_token)).status).toBe(200);
}

function refreshOf(app: TestApp, clientId: string): TestApp['refresh'] {
  return (refreshToken) => app.refresh(refreshToken, { client_id: clientId });
}

/** Design §3: the same token again, one step further and no more. */
async function refresh(stage: Stage, asked: Parameters): Promise<Journey> {
  const { strata, web, person } = stage;
  const tokens = await web.signIn(newBrowser(strata), person, asked);
  const resource: Parameters = asked.resource === undefined ? {} : { resource: asked.resource };
  const send = () => web.refresh(tokens.refresh_token, resource);
  return { send, recover: () => expectOneStep(stage, web, { tokens, send }) };
}

async function refreshWithKey(stage: Stage): Promise<Journey> {
  const { strata, native, person } = stage;
  const key = await dpopKey(() => strata.clock.now());
  const proof = async () => ({ dpop: await key.proof('POST', `${strata.origin}/token`) });
  const tokens: Tokens = (
    await native.redeem(await native.code(newBrowser(strata), person), {}, await proof())
  ).body;
  const app = { refresh: async (token: string) => native.refresh(token, {}, await proof()) };
  const send = () => app.refresh(tokens.refresh_token);
  return { send, recover: () => expectOneStep(stage, app, { tokens, send }) };
}

async function expectOneStep(
  stage: Stage,
  app: Pick<TestApp, 'refresh'>,
  { tokens, send }: { tokens: Tokens; send: () => ReturnType<TestApp['refresh']> },
): Promise<void> {
  const [first, second] = [await send(), await send()];
  expect(first).toMatchObject({ status: 200 });
  expect(second.body.refresh_token).toBe(first.body.refresh_token);
  expect(first.body.refresh_token).not.toBe(tokens.refresh_token);

  const session = await sessionOf(stage.strata, tokens);
  expect(Object.values(session.apps['1']?.chains ?? {})).toMatchObject([{ minted: 2 }]);
  expect((await app.refresh(first.body.refresh_token)).status).toBe(200);
  expect(await sessionsHere(stage)).toHaveLength(1);
}

async function apiToken(stage: Stage, asked: Parameters): Promise<Journey> {
  const job = await newApiApp(stage);
  const send = () => job.token({ grant_type: 'client_credentials', ...asked });

  async function recover(): Promise<void> {
    const { status, body } = await send();
    expect(status).toBe(200);
    expect((await job.introspect(body.access_token)).body).toMatchObject({ active: true });
    const session = await stage.strata.store.get(deviceSessions, implicitSessionId(job.id, 1));
    expect(session?.state).toBe('live');
  }
  return { send, recover };
}

async function apiTokenAfterEnd(stage: Stage): Promise<Journey> {
  const { strata } = stage;
  const job = await newApiApp(stage);
  const asked = { grant_type: 'client_credentials', resource: jwt.resource, scope: 'demo:read' };
  const send = () => job.token(asked);
  const before = claimsOf((await send()).body.access_token);
  await end(strata, before.sid, 'admin');

  async function recover(): Promise<void> {
    const { status, body } = await send();
    expect(status).toBe(200);
    expect(claimsOf(body.access_token).sid).toBe(implicitSessionId(job.id, 2));
    expect(await strata.store.get(deviceSessions, implicitSessionId(job.id, 3))).toBeUndefined();
  }
  return { send, recover };
}

/** Of two apps in one browser: the other one goes on. */
async function revocationOfApp(stage: Stage): Promise<Journey> {
  const { strata, web, mail, person } = stage;
  const browser = newBrowser(strata);
  const tokens = await web.signIn(browser, person);
  const kept = await mail.signIn(browser, undefined);
  const send = () => web.revoke(tokens.refresh_token);

  async function recover(): Promise<void> {
    expect((await send()).status).toBe(200);
    expect((await web.refresh(tokens.refresh_token)).body.error_reason).toBe('signed_out');
    await expectRefreshes(mail, kept.refresh_token);
    expect(await sessionsHere(stage)).toHaveLength(1);
    const { records } = await strata.store.scan(revocations, { limit: 1000 });
    const ofSession = records.filter(
      ({ body }) => body.selector.kind === 'app' && body.selector.sid === sidOf(tokens),
    );
    expect(ofSession).toHaveLength(1);
  }
  return { send, recover };
}

async function revocationOfSession(stage: Stage): Promise<Journey> {
  const { strata, web, person } = stage;
  const tokens = await web.signIn(newBrowser(strata), person);
  const send = () => web.revoke(tokens.refresh_token);

  async function recover(): Promise<void> {
    expect((await send()).status).toBe(200);
    expect((await web.refresh(tokens.refresh_token)).body.error_reason).toBe('signed_out');
    expect(await sessionsHere(stage)).toEqual([]);
  }
  return { send, recover };
}

async function revocationOfToken(stage: Stage, asked: Parameters): Promise<Journey> {
  const { strata, web, person } = stage;
  const tokens = await web.signIn(newBrowser(strata), person, asked);
  const send = () => web.revoke(tokens.access_token);

  async function recover(): Promise<void> {
    expect((await send()).status).toBe(200);
    expect((await web.introspect(tokens.access_token)).body).toEqual({ active: false });
    await expectRefreshes(web, tokens.refresh_token);
  }
  return { send, recover };
}
