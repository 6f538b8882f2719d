// API apps (RFC 6749 §4.4): their tokens belong to an implicit session, which is written once per client and
// generation, so that no token costs a write and one write ends them all.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accessTokens } from '../../src/oidc/engine-records.ts';
import { deviceSessions } from '../../src/sessions/device-session.ts';
import { addApp, apiApp, atOnce, claimsOf, type TestApp } from '../support/app.ts';
import { end } from '../support/sessions.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const api = 'https://demo-api.example';
const asked = { grant_type: 'client_credentials', resource: api, scope: 'demo:read' };

let strata: TestServer;
let job: TestApp;

beforeEach(async () => {
  strata = await startTestServer();
  job = await addApp(strata, { ...apiApp, scope: 'demo:read' });
});

afterEach(() => strata.close());

describe('a token of an API app', () => {
  it('is a JWT for the API, with the implicit session of the client', async () => {
    const { status, body } = await job.token(asked);

    expect(status).toBe(200);
    expect(body).not.toHaveProperty('refresh_token');
    expect(body).not.toHaveProperty('id_token');
    const claims = claimsOf(body.access_token);
    expect(claims).toMatchObject({
      aud: api,
      sub: job.id,
      client_id: job.id,
      scope: 'demo:read',
      platform: 'api',
      sid: expect.stringMatching(/^ses_[\w-]{22}$/),
    });
    expect(claims).not.toHaveProperty('acr');
    expect(claims).not.toHaveProperty('auth_time');
    expect(claims).not.toHaveProperty('roles');
  });

  it('costs no write after the first, of however many (I12)', async () => {
    const { body } = await job.token(asked);
    strata.store.reset();

    const answers = await atOnce(() => job.token(asked));

    expect(new Set(answers.map((answer) => claimsOf(answer.body.access_token).sid))).toEqual(
      new Set([claimsOf(body.access_token).sid]),
    );
    expect(strata.store.counts().commits).toBe(0);
  });

  it('belongs to one session, however many ask first at once (I2)', async () => {
    const answers = await atOnce(() => job.token(asked));

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => claimsOf(body.access_token).sid)).size).toBe(1);
  });

  it('is opaque without a resource, and belongs to that session too', async () => {
    const { body } = await job.token({ grant_type: 'client_credentials' });

    const { sid } = claimsOf((await job.token(asked)).body.access_token);
    expect((await job.introspect(body.access_token)).body).toMatchObject({
      active: true,
      client_id: job.id,
      sid,
      platform: 'api',
    });
    const page = await strata.store.scan(accessTokens, { limit: 10 });
    expect(JSON.stringify(page.records)).not.toContain(body.access_token);
  });

  it('has no more scope than the client is registered for', async () => {
    const { body } = await job.token({ ...asked, scope: 'demo:read demo:write' });

    expect(body.scope).toBe('demo:read');
  });

  it('names one resource', async () => {
    const both = new URLSearchParams({ grant_type: 'client_credentials' });
    both.append('resource', api);
    both.append('resource', `${strata.origin}/api`);
    const answer = await fetch(`${strata.origin}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${job.id}:${job.secret}`)}` },
      body: both,
    });

    expect(await answer.json()).toMatchObject({ error: 'invalid_target' });
  });

  it('is not had for a resource that nobody knows', async () => {
    const answer = await job.token({ ...asked, resource: 'https://nobody.example' });

    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
  });
});

describe('the end of the implicit session', () => {
  it('makes its tokens inactive at once, and the next request opens the next generation (I1)', async () => {
    const first = (await job.token(asked)).body.access_token;
    const opaque = (await job.token({ grant_type: 'client_credentials' })).body.access_token;
    await end(strata, claimsOf(first).sid, 'admin');

    expect((await job.introspect(first)).body).toEqual({ active: false });
    expect((await job.introspect(opaque)).body).toEqual({ active: false });
    const next = await job.token(asked);
    expect(next.status).toBe(200);
    expect(claimsOf(next.body.access_token).sid).not.toBe(claimsOf(first).sid);
    expect((await job.introspect(next.body.access_token)).body.active).toBe(true);
    expect((await job.introspect(first)).body).toEqual({ active: false });
  });

  it('opens one next generation, however many ask at once (I2)', async () => {
    const { sid } = claimsOf((await job.token(asked)).body.access_token);
    await end(strata, sid, 'admin');

    const answers = await atOnce(() => job.token(asked));

    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const page = await strata.store.scan(deviceSessions, { limit: 100 });
    expect(page.records.map(({ body }) => body.state).toSorted()).toEqual(['ended', 'live']);
  });

  it('does not come by itself: it knows neither idleness nor age', async () => {
    const { sid } = claimsOf((await job.token(asked)).body.access_token);
    strata.clock.advance(4 * 365 * 86_400_000);
    await strata.server.sweep();

    expect(claimsOf((await job.token(asked)).body.access_token).sid).toBe(sid);
  });
});
