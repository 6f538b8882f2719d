// Every address that the server tells comes from the configuration (I11): the engine would take the Host
// header for its own name, and so lead people and tokens to whoever sent it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addApp, nativeApp, newBrowser, type TestApp, tvApp, webApp } from '../support/app.ts';
import { dpopKey } from '../support/dpop.ts';
import { type RawAnswer, rawRequest } from '../support/raw-request.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const hostile: [name: string, headers: Record<string, string>][] = [
  ['another Host', { host: 'attacker.example' }],
  ['a malformed Host', { host: 'at tacker:99999999' }],
  ['an X-Forwarded-Host', { host: '127.0.0.1', 'x-forwarded-host': 'attacker.example' }],
  ['a Forwarded header', { host: '127.0.0.1', forwarded: 'host=attacker.example;proto=https' }],
];

let strata: TestServer;
let web: TestApp;
let native: TestApp;
let tv: TestApp;

beforeAll(async () => {
  strata = await startTestServer();
  [web, native, tv] = await Promise.all([
    addApp(strata, webApp),
    addApp(strata, nativeApp),
    addApp(strata, tvApp),
  ]);
});

afterAll(() => strata.close());

describe.each(hostile)('a request with %s', (_name, headers) => {
  it.each(['openid-configuration', 'oauth-authorization-server'])('hears the issuer in %s', async (name) => {
    const answer = await send({ path: `/.well-known/${name}` });

    const document = JSON.parse(answer.body);
    expect(document.issuer).toBe(strata.origin);
    const addresses = Object.entries(document).filter(([key]) => /_(endpoint|uri)$/.test(key));
    expect(addresses.length).toBeGreaterThan(8);
    for (const [, address] of addresses) expect(address).toMatch(new RegExp(`^${strata.origin}/`));
  });

  it('hears the issuer as the address where a person types the code of a TV', async () => {
    const body = new URLSearchParams({ client_id: tv.id, scope: 'openid' }).toString();

    const answer = await send({ method: 'POST', path: '/device/authorize', body });

    expect(JSON.parse(answer.body).verification_uri).toBe(`${strata.origin}/device`);
  });

  it('is led on at the issuer, and back to it after the sign-in', async () => {
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    const { pathname, search } = new URL(web.ask().address);
    const answer = await send({ path: `${pathname}${search}` });

    expect(answer.status).toBe(303);
    expect(new URL(String(answer.headers.location), strata.origin).origin).toBe(strata.origin);
    expect(JSON.stringify(answer.headers)).not.toContain('attacker');
    expect((await web.signIn(browser, person)).access_token).toBeTruthy();
  });

  it('proves its key for the address of the issuer, and for no other (RFC 9449 §4.3)', async () => {
    const person = await strata.addAccount();
    const key = await dpopKey(() => strata.clock.now());
    const code = await native.code(newBrowser(strata), person);
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: native.id,
      code: code.value,
      code_verifier: code.verifier,
      redirect_uri: native.redirectUri,
    }).toString();
    const redeem = async (url: string) =>
      send({ method: 'POST', path: '/token', body, more: { dpop: await key.proof('POST', url) } });

    expect((await redeem('https://attacker.example/token')).status).toBe(400);
    expect((await redeem(`${strata.origin}/token`)).status).toBe(200);
  });

  function send(request: {
    method?: string;
    path: string;
    body?: string;
    more?: Record<string, string>;
  }): Promise<RawAnswer> {
    const { more, body, ...rest } = request;
    return rawRequest(strata.origin, {
      ...rest,
      ...(body !== undefined && { body }),
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers, ...more },
    });
  }
});

describe('an absolute request target', () => {
  it('changes no address either (RFC 9112 §3.2.2)', async () => {
    const answer = await rawRequest(strata.origin, {
      path: 'http://attacker.example/.well-known/openid-configuration',
      headers: { host: 'attacker.example' },
    });

    expect(answer.status).toBe(200);
    expect(answer.body).not.toContain('attacker');
  });
});
