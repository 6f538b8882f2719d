// The pages of the playground and the API that its apps call, over HTTP.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SessionId } from '../../src/core/ids.ts';
import { DEMO_PASSWORD } from '../../src/demo.ts';
import { endSession } from '../../src/sessions/ending.ts';
import type { Tokens } from '../support/app.ts';
import { addApp, getJson, webApp } from '../support/app.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { userAgent } from '../support/user-agent.ts';

let strata: TestServer;

beforeAll(async () => {
  strata = await startTestServer({ config: { demo: true } });
});

afterAll(() => strata.close());

describe('the pages of the playground', () => {
  it.each([
    ['/', 'playground/stage.js'],
    ['/playground/pc', 'playground/pane.js'],
    ['/playground/phone', 'playground/pane.js'],
  ])('%s has its script, which the content policy lets run', async (path, script) => {
    const page = await userAgent(strata.origin).get(path);
    const [, address = ''] = new RegExp(`src="(/${script}[^"]*)"`).exec(page.body) ?? [];
    const answer = await userAgent(strata.origin).get(address);

    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("frame-src 'self'");
    expect(answer.headers.get('content-type')).toContain('javascript');
  });

  it('names the demo account, and tells the scripts what the configuration says', async () => {
    const { body } = await userAgent(strata.origin).get('/');

    expect(body).toContain(`<code>ada@example.com</code> <code>${DEMO_PASSWORD}</code>`);
    expect(settingsIn(body)).toMatchObject({
      issuer: strata.origin,
      apps: {
        pc: { clientId: 'playground-pc', idleMs: 8 * 3_600_000 },
        phone: { clientId: 'playground-phone', idleMs: 90 * 86_400_000 },
      },
      helloApi: `${strata.origin}/playground/api`,
      refreshWindowMs: 120_000,
      qrCodeMs: 120_000,
    });
  });

  it('speaks the language that the other pages speak', async () => {
    const browser = userAgent(strata.origin);
    await browser.get('/?lang=zh');

    expect((await browser.get('/')).body).toContain('四层令牌');
    expect((await browser.get('/playground/phone')).body).toContain('扫一扫');
  });

  it.each(['/', '/playground/pc', '/playground/api/hello', '/playground/pane.js'])(
    'does not exist where the playground is switched off: %s',
    async (path) => {
      const plain = await startTestServer({ config: { playground: false } });
      const answer = await userAgent(plain.origin).get(path);
      await plain.close();

      expect(answer.status).toBe(404);
    },
  );
});

describe('/playground/api/hello', () => {
  const resource = () => `${strata.origin}/playground/api`;

  async function tokensFor(more: Record<string, string> = {}): Promise<Tokens> {
    const app = await addApp(strata, { ...webApp, scope: 'openid hello sessions:read' });
    const person = await strata.addAccount();
    const request = { scope: 'openid hello', resource: resource(), ...more };
    const code = await app.code(userAgent(strata.origin), person, request);
    return (await app.redeem(code, { resource: request.resource })).body;
  }

  function hello(token: string) {
    return getJson(`${strata.origin}/playground/api/hello`, { authorization: `Bearer ${token}` });
  }

  it('greets whoever brings a token for it', async () => {
    const { status, body } = await hello((await tokensFor()).access_token);

    expect(status).toBe(200);
    expect(body).toEqual({
      hello: 'Hello from the demo API.',
      sub: expect.stringMatching(/^acc_/),
      platform: 'web',
      sid: expect.stringMatching(/^ses_/),
    });
  });

  it('says why, from the moment that the session has ended', async () => {
    const { access_token: token } = await tokensFor();
    const { sid } = (await hello(token)).body;
    await kick(sid);
    const { status, body, headers } = await hello(token);

    expect({ status, body }).toEqual({
      status: 401,
      body: { error: 'invalid_token', error_reason: 'kicked' },
    });
    expect(headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
  });

  it('refuses a token for another API', async () => {
    const { access_token: token } = await tokensFor({
      scope: 'openid sessions:read',
      resource: `${strata.origin}/api`,
    });

    expect(await hello(token)).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
  });

  it('refuses a token without its scope', async () => {
    const { access_token: token } = await tokensFor({ scope: 'openid' });

    expect(await hello(token)).toMatchObject({ status: 403, body: { error: 'insufficient_scope' } });
  });

  it.each(['', 'x', 'a.b.c', 'x'.repeat(12_000)])('refuses what is no token of ours', async (token) => {
    expect((await hello(token)).status).toBe(401);
  });
});

/** As the person does from another device. */
async function kick(sid: SessionId): Promise<void> {
  const settings = { tombstonesMs: 1_000_000, accessTokenMaxMs: 900_000 };
  const { store, clock } = strata;
  await endSession({ store, clock, settings }, sid, { reason: 'kicked', by: 'account' });
}

function settingsIn(html: string): unknown {
  const [, settings = ''] = /data-settings="([^"]*)"/.exec(html) ?? [];
  return JSON.parse(settings.replaceAll('&#34;', '"'));
}
