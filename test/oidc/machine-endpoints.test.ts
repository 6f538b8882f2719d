// Endpoints for programs: JSON whatever is accepted, the right methods, and other origins only where they are
// the app's own.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addApp, basic, newBrowser, type TestApp, webApp } from '../support/app.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const appOrigin = 'https://spa.example';

let strata: TestServer;
let web: TestApp;
let spa: TestApp;
let person: Awaited<ReturnType<TestServer['addAccount']>>;

beforeAll(async () => {
  strata = await startTestServer();
  [web, spa, person] = await Promise.all([
    addApp(strata, webApp),
    addApp(strata, {
      ...webApp,
      client_name: 'Single-page app',
      token_endpoint_auth_method: 'none',
      redirect_uris: [`${appOrigin}/callback`],
      allowed_origins: ['capacitor://localhost'],
    }),
    strata.addAccount(),
  ]);
});

afterAll(() => strata.close());

function send(
  path: string,
  init: RequestInit & { headers?: Record<string, string> } = {},
): Promise<Response> {
  return fetch(`${strata.origin}${path}`, { redirect: 'manual', ...init });
}

describe('a browser that opens an endpoint for programs', () => {
  it.each([
    ['POST', '/token'],
    ['POST', '/introspect'],
    ['POST', '/revoke'],
    ['POST', '/device/authorize'],
    ['POST', '/par'],
    ['GET', '/userinfo'],
  ])('%s %s hears an error as JSON, though it accepts pages', async (method, path) => {
    const answer = await send(path, {
      method,
      headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' },
      ...(method === 'POST' && { body: 'client_id=nobody' }),
    });

    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await answer.json()).toMatchObject({ error: expect.any(String) });
  });

  it('hears why its session ended, as JSON too', async () => {
    const tokens = await web.signIn(newBrowser(strata), person);
    await web.revoke(tokens.refresh_token);

    const refused = await web.refresh(tokens.refresh_token, {}, { accept: 'text/html' });

    expect(refused.body).toMatchObject({ error: 'invalid_grant', error_reason: 'signed_out' });
  });
});

describe('the wrong method', () => {
  it.each([
    ['POST', '/jwks'],
    ['POST', '/.well-known/openid-configuration'],
    ['GET', '/token'],
    ['GET', '/introspect'],
    ['GET', '/revoke'],
    ['GET', '/par'],
    ['POST', '/authorize'],
    ['PUT', '/token'],
    ['DELETE', '/userinfo'],
    ['PATCH', '/authorize'],
    ['POST', '/healthz'],
    ['POST', '/devices'],
    ['GET', '/logout/confirm'],
  ])('%s %s is refused without a 5xx', async (method, path) => {
    const answer = await send(path, {
      method,
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      ...(method !== 'GET' && { body: 'a=b' }),
    });

    expect([400, 404, 405]).toContain(answer.status);
  });
});

describe('a body', () => {
  it.each([
    ['of JSON', { 'content-type': 'application/json' }, '{"grant_type":"refresh_token"}'],
    ['of no type', { 'content-type': '' }, 'grant_type=refresh_token'],
    [
      'that is too large',
      { 'content-type': 'application/x-www-form-urlencoded' },
      `a=${'x'.repeat(200_000)}`,
    ],
    ['of broken escapes', { 'content-type': 'application/x-www-form-urlencoded' }, 'grant_type=%zz&%=%'],
    [
      'of ten thousand fields',
      { 'content-type': 'application/x-www-form-urlencoded' },
      'a=b&'.repeat(10_000),
    ],
  ])('%s is refused with 4xx (I9)', async (_case, headers, body) => {
    const answer = await send('/token', {
      method: 'POST',
      headers: { authorization: basic(web.id, web.secret), ...headers },
      body,
    });

    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });
});

describe('an app in another origin', () => {
  it.each([appOrigin, 'capacitor://localhost'])(
    'redeems and refreshes from %s, as registered',
    async (origin) => {
      const code = await spa.code(newBrowser(strata), person);

      const redeemed = await spa.redeem(code, {}, { origin });
      const refreshed = await spa.refresh(redeemed.body.refresh_token, {}, { origin });

      expect(redeemed.headers.get('access-control-allow-origin')).toBe(origin);
      expect(refreshed.status).toBe(200);
      expect(refreshed.headers.get('access-control-allow-credentials')).toBeNull();
    },
  );

  it.each(['https://attacker.example', 'null', 'http://spa.example', 'https://spa.example.attacker.example'])(
    'is refused from %s, and its code is not used up',
    async (origin) => {
      const code = await spa.code(newBrowser(strata), person);

      const answer = await spa.redeem(code, {}, { origin });

      expect(answer.status).toBe(400);
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      expect((await spa.redeem(code)).status).toBe(200);
    },
  );

  it('may ask beforehand, as browsers do', async () => {
    const answer = await send('/token', {
      method: 'OPTIONS',
      headers: {
        origin: appOrigin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,dpop',
      },
    });

    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe(appOrigin);
    expect(answer.headers.get('access-control-allow-methods')).toContain('POST');
  });

  it.each(['/jwks', '/.well-known/openid-configuration'])('may read %s from anywhere', async (path) => {
    const answer = await send(path, { headers: { origin: 'https://anywhere.example' } });

    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://anywhere.example');
  });
});

describe('userinfo', () => {
  it('takes a token from the header and from nowhere else (RFC 9700 §4.3.2)', async () => {
    const { access_token } = await web.signIn(newBrowser(strata), person);

    expect((await send(`/userinfo?access_token=${access_token}`)).status).toBe(400);
    expect((await web.userinfo(access_token)).status).toBe(200);
  });

  it.each(['Bearer', 'Bearer  ', 'Bearer a b', 'Basic abc', `Bearer ${'x'.repeat(10_000)}`])(
    'refuses the header %.20s',
    async (authorization) => {
      const answer = await send('/userinfo', { headers: { authorization } });

      expect([400, 401]).toContain(answer.status);
    },
  );
});

describe('every answer with a token', () => {
  it('is stored nowhere (RFC 6749 §5.1)', async () => {
    const code = await web.code(newBrowser(strata), person);
    const redeemed = await web.redeem(code);
    const refreshed = await web.refresh(redeemed.body.refresh_token);

    for (const { headers } of [redeemed, refreshed]) {
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });
});
