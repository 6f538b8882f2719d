import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addApp, postForm, type TestApp, webApp } from '../../support/app.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

const LIMIT = 10;
const MINUTE = 60_000;

let strata: TestServer;
let web: TestApp;

beforeEach(async () => {
  strata = await startTestServer({
    config: { limits: { authorizationsPerMinute: LIMIT }, trustedProxies: ['127.0.0.1'] },
  });
  web = await addApp(strata, webApp);
});

afterEach(() => strata.close());

function begin(address: string, accept = 'text/html'): Promise<Response> {
  const headers = { 'x-forwarded-for': address, accept };
  return fetch(web.ask().address, { redirect: 'manual', headers });
}

async function beginAll(addressOf: (index: number) => string): Promise<void> {
  for (let index = 0; index < LIMIT; index += 1) expect((await begin(addressOf(index))).status).toBe(303);
}

describe('authorizationBudget', () => {
  it('lets one network begin so many sign-ins in a minute, and others as many', async () => {
    await beginAll(() => '203.0.113.7');

    const refused = await begin('203.0.113.7');
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await begin('203.0.113.8')).status).toBe(303);
    strata.clock.advance(MINUTE);
    expect((await begin('203.0.113.7')).status).toBe(303);
  });

  it('counts an IPv6 network as one', async () => {
    await beginAll((index) => `2001:db8::${index + 1}`);

    expect((await begin('2001:db8::ffff')).status).toBe(429);
  });

  it.each(['/par', '/device/authorize'])(
    'counts %s too, and refuses it in words that libraries read',
    async (path) => {
      await beginAll(() => '203.0.113.7');

      const answer = await postForm(`${strata.origin}${path}`, {}, { 'x-forwarded-for': '203.0.113.7' });

      expect(answer).toMatchObject({ status: 429, body: { error: 'temporarily_unavailable' } });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    },
  );

  it('leaves alone what goes on with a sign-in, and every other endpoint', async () => {
    const begun = await begin('203.0.113.7');
    await beginAll((index) => (index === 0 ? '203.0.113.8' : '203.0.113.7'));
    const headers = { 'x-forwarded-for': '203.0.113.7', accept: 'text/html' };

    expect((await begin('203.0.113.7')).status).toBe(429);
    const page = await fetch(new URL(begun.headers.get('location') ?? '', strata.origin), { headers });
    expect(page.status).not.toBe(429);
    const token = await postForm(`${strata.origin}/token`, {}, headers);
    expect(token.status).not.toBe(429);
  });
});
