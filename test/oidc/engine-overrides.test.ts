// What the engine would do by itself and must not: each of these fails when an update of it, or of ours, lets
// the old behaviour through.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientRecords } from '../../src/clients/client.ts';
import { patch } from '../../src/storage/store.ts';
import {
  addApp,
  apiApp,
  claimsOf,
  getJson,
  nativeApp,
  newBrowser,
  type TestApp,
  webApp,
} from '../support/app.ts';
import { sidOf } from '../support/sessions.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const DAY = 86_400_000;

let strata: TestServer;
let person: Awaited<ReturnType<TestServer['addAccount']>>;

beforeEach(async () => {
  strata = await startTestServer();
  person = await strata.addAccount();
});

afterEach(() => strata.close());

async function disable(app: TestApp): Promise<void> {
  await strata.store.commit([patch(clientRecords, app.id, { set: [[['disabled'], true]] })]);
  strata.clock.advance(1000);
}

describe('a grant', () => {
  it('lives as long as its session, not the engine’s fourteen days', async () => {
    const native = await addApp(strata, nativeApp);
    const { refresh_token } = await native.signIn(newBrowser(strata), person);
    strata.clock.advance(60 * DAY);

    const { status, body } = await native.refresh(refresh_token);

    expect(status).toBe(200);
    expect((await native.userinfo(body.access_token)).status).toBe(200);
  });
});

describe('a token', () => {
  it('names its device session wherever it is looked at', async () => {
    const web = await addApp(strata, webApp);
    const tokens = await web.signIn(newBrowser(strata), person);

    const sid = sidOf(tokens);
    expect(sid).toMatch(/^ses_/);
    expect((await web.introspect(tokens.access_token)).body.sid).toBe(sid);
    expect((await web.introspect(tokens.refresh_token)).body.sid).toBe(sid);
    expect(claimsOf((await web.refresh(tokens.refresh_token)).body.id_token).sid).toBe(sid);
  });
});

describe('a client that is disabled', () => {
  it('gets no tokens, and those it has are worth nothing, within a second', async () => {
    const web = await addApp(strata, webApp);
    const job = await addApp(strata, { ...apiApp, audiences: ['https://demo-api.example'] });
    const asked = { scope: 'openid demo:read', resource: 'https://demo-api.example' };
    const tokens = await web.signIn(newBrowser(strata), person, asked);

    await disable(web);

    expect(await web.refresh(tokens.refresh_token)).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    expect((await job.introspect(tokens.access_token)).body).toEqual({ active: false });
    expect((await newBrowser(strata).get(web.ask().address)).status).toBe(400);
  });
});

describe('the secret of a client', () => {
  it('is nowhere in the store, and its MAC is no secret', async () => {
    const job = await addApp(strata, apiApp);
    const record = await strata.store.get(clientRecords, job.id);

    expect(JSON.stringify(record)).not.toContain(job.secret);
    const thief = await fetch(`${strata.origin}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${job.id}:${record?.secretMac}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    expect(thief.status).toBe(401);
  });
});

describe('what the engine offers', () => {
  it('is what is wanted and nothing else', async () => {
    const { body } = await getJson(`${strata.origin}/.well-known/openid-configuration`);

    expect(body.grant_types_supported.toSorted()).toEqual(
      [
        'authorization_code',
        'client_credentials',
        'refresh_token',
        'urn:ietf:params:oauth:grant-type:device_code',
        'urn:strata:params:oauth:grant-type:map_token',
      ].toSorted(),
    );
    expect(body.token_endpoint_auth_methods_supported).toEqual(
      expect.not.arrayContaining(['client_secret_jwt', 'tls_client_auth']),
    );
    expect(body).not.toHaveProperty('registration_endpoint');
    expect(body.request_parameter_supported ?? false).toBe(false);
    expect(body.claims_parameter_supported ?? false).toBe(false);
    const algorithms = Object.entries(body).filter(([name]) => name.includes('_alg_values_'));
    expect(algorithms.flatMap(([, values]) => values)).not.toContain('none');
  });

  it.each(['/register', '/reg', '/auth', '/session/end', '/backchannel', '/credential'])(
    'has nothing at %s',
    async (path) => {
      expect((await getJson(`${strata.origin}${path}`)).status).toBe(404);
    },
  );

  it('signs nobody in with any password, as its own pages would', async () => {
    const web = await addApp(strata, webApp);
    const browser = newBrowser(strata);
    const page = await browser.open(web.ask().address);

    const answer = await browser.post(new URL(page.url).pathname.replace('/sign-in', ''), {
      prompt: 'login',
      login: 'anyone',
      password: 'anything',
    });

    expect([403, 404, 405]).toContain(answer.status);
  });
});
