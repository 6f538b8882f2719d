// What an authorization request may ask for (RFC 9700), and where its refusals go: to the app where that is
// known to be meant, to a page where it is not.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lengthsMax } from '../../src/oidc/parameter-lengths.ts';
import { addApp, codeOf, getJson, nativeApp, newBrowser, type TestApp, webApp } from '../support/app.ts';
import { callbackOf } from '../support/sign-in.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

let strata: TestServer;
let web: TestApp;
let person: Awaited<ReturnType<TestServer['addAccount']>>;

beforeAll(async () => {
  strata = await startTestServer();
  [web, person] = await Promise.all([addApp(strata, webApp), strata.addAccount()]);
});

afterAll(() => strata.close());

function without(address: string, ...names: string[]): string {
  const url = new URL(address);
  for (const name of names) url.searchParams.delete(name);
  return url.href;
}

async function refusalOf(address: string): Promise<string | null> {
  const callback = callbackOf(await newBrowser(strata).open(address));
  expect(callback.href).toMatch(/^https:\/\/notes\.example\/callback/);
  return callback.searchParams.get('error');
}

describe('PKCE', () => {
  it('is required of confidential clients too', async () => {
    const { address } = web.ask();

    expect(await refusalOf(without(address, 'code_challenge', 'code_challenge_method'))).toBe(
      'invalid_request',
    );
  });

  it('is S256 and nothing else', async () => {
    expect(await refusalOf(web.ask({ code_challenge_method: 'plain' }).address)).toBe('invalid_request');
    expect(await refusalOf(without(web.ask().address, 'code_challenge_method'))).toBe('invalid_request');
  });

  it('is waived where the operator says so of a confidential web client', async () => {
    const old = await addApp(strata, { ...webApp, client_name: 'Old', require_pkce: false });
    const browser = newBrowser(strata);
    await web.signIn(browser, person);
    const address = without(old.ask().address, 'code_challenge', 'code_challenge_method');
    const value = codeOf(await browser.open(address));

    const withVerifier = await old.redeem({ value, verifier: 'x'.repeat(43) });
    expect(withVerifier.body.error).toBe('invalid_grant');
    const { access_token } = (await old.token(codeForm(old, value))).body;
    expect(access_token).toBeTruthy();
  });

  it('is not waived for a public client, whatever its registration says', async () => {
    const open = await addApp(strata, { ...nativeApp, require_pkce: false });
    const address = without(open.ask().address, 'code_challenge', 'code_challenge_method');

    const callback = callbackOf(await newBrowser(strata).open(address));

    expect(callback.searchParams.get('error')).toBe('invalid_request');
  });

  it('cannot be left away at the end where it was begun (RFC 9700 §4.8.2)', async () => {
    const lax = await addApp(strata, { ...webApp, client_name: 'Lax', require_pkce: false });
    const { value } = await lax.code(newBrowser(strata), person);

    expect((await lax.token(codeForm(lax, value))).body.error).toBe('invalid_grant');
  });

  function codeForm(app: TestApp, code: string): Record<string, string> {
    return { grant_type: 'authorization_code', code, redirect_uri: app.redirectUri };
  }
});

describe('the length of a value', () => {
  const bounds = Object.entries(lengthsMax);

  it.each(bounds)('is bounded for %s, at /authorize by %i characters', async (name, max) => {
    const fitting = await newBrowser(strata).open(web.ask({ [name]: 'x'.repeat(max) }).address);
    expect(fitting).toMatchObject({ status: 200, url: expect.stringMatching(/\/sign-in$/) });

    expect(await refusalOf(web.ask({ [name]: 'x'.repeat(max + 1) }).address)).toBe('invalid_request');
  });

  it.each(bounds)('is bounded for %s at /par too', async (name, max) => {
    const pushed = (length: number) => {
      const asked = new URL(web.ask({ [name]: 'x'.repeat(length) }).address).searchParams;
      return web.post('/par', Object.fromEntries(asked));
    };

    expect((await pushed(max)).status).toBe(201);
    expect(await pushed(max + 1)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });
});

describe('response types', () => {
  it('are code and none; discovery offers nothing else', async () => {
    const { body } = await getJson(`${strata.origin}/.well-known/openid-configuration`);

    expect(body.response_types_supported).toEqual(['code', 'none']);
    expect(body.grant_types_supported).not.toContain('implicit');
    expect(body.code_challenge_methods_supported).toEqual(['S256']);
    expect(body.id_token_signing_alg_values_supported).toEqual(['ES256']);
  });

  it.each(['token', 'id_token', 'id_token token', 'code id_token'])('exclude %s', async (type) => {
    const callback = callbackOf(
      await newBrowser(strata).open(web.ask({ response_type: type, nonce: 'n' }).address),
    );

    const answered = new URLSearchParams(callback.search || callback.hash.slice(1));
    expect(answered.get('error')).toBe('unsupported_response_type');
  });
});

describe('a redirect_uri', () => {
  it.each([
    ['of somebody else', 'https://attacker.example/callback'],
    ['with one more character', 'https://notes.example/callback/'],
    ['with a query that is not registered', 'https://notes.example/callback?x=1'],
    ['with another port', 'https://notes.example:8443/callback'],
    ['with a user in it', 'https://notes.example@attacker.example/callback'],
    ['that is no address', 'javascript:alert(1)'],
  ])('%s gets a page and no redirect', async (_case, uri) => {
    const answer = await newBrowser(strata).get(web.ask({ redirect_uri: uri }).address);

    expect(answer.status).toBe(400);
    expect(answer.headers.get('location')).toBeNull();
    expect(answer.headers.get('content-type')).toMatch(/html/);
    expect(answer.body).toContain('invalid_redirect_uri');
  });

  it('must be named even where one only is registered', async () => {
    const answer = await newBrowser(strata).get(without(web.ask().address, 'redirect_uri'));

    expect(answer.status).toBe(400);
    expect(answer.headers.get('location')).toBeNull();
  });

  it('of an unknown client gets a page and no redirect', async () => {
    const answer = await newBrowser(strata).get(web.ask({ client_id: 'nobody' }).address);

    expect(answer.status).toBe(400);
    expect(answer.headers.get('location')).toBeNull();
    expect(answer.body).not.toContain('<script>');
  });

  it('may have any port on loopback for a native app (RFC 8252 §7.3)', async () => {
    const cli = await addApp(strata, {
      ...nativeApp,
      client_name: 'CLI',
      redirect_uris: ['http://127.0.0.1/callback'],
    });
    const browser = newBrowser(strata);

    const page = await browser.open(cli.ask({ redirect_uri: 'http://127.0.0.1:49152/callback' }).address);

    expect(page.status).toBe(200);
    expect(page.url).toMatch(/\/sign-in$/);
  });
});

describe('an answer to the app', () => {
  it('names the issuer and carries the state (RFC 9207)', async () => {
    const browser = newBrowser(strata);
    await web.signIn(browser, person);

    const callback = callbackOf(await browser.open(web.ask({ state: 'a b&c' }).address));

    expect(callback.searchParams.get('iss')).toBe(strata.origin);
    expect(callback.searchParams.get('state')).toBe('a b&c');
  });

  it('by form_post runs its script under our policy of contents', async () => {
    const browser = newBrowser(strata);
    await web.signIn(browser, person);

    const page = await browser.open(web.ask({ response_mode: 'form_post' }).address);

    const [, script = ''] = /<script>([\s\S]*?)<\/script>/.exec(page.body) ?? [];
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain(`'sha256-${createHash('sha256').update(script).digest('base64')}'`);
    expect(policy).not.toContain('unsafe-inline');
    expect(policy).not.toContain('form-action');
    expect(page.body).toContain('action="https://notes.example/callback"');
  });
});

describe('a resource', () => {
  it('that nobody knows is refused with invalid_target (RFC 8707)', async () => {
    const browser = newBrowser(strata);
    await web.signIn(browser, person);

    const callback = callbackOf(await browser.open(web.ask({ resource: 'https://nobody.example' }).address));

    expect(callback.searchParams.get('error')).toBe('invalid_target');
  });
});

describe('odd requests', () => {
  it.each([
    ['a doubled client_id', (address: string) => `${address}&client_id=other`],
    ['an unknown prompt', (address: string) => `${address}&prompt=dance`],
    ['a negative max_age', (address: string) => `${address}&max_age=-1`],
    ['a request object', (address: string) => `${address}&request=eyJ9`],
    ['a request_uri of nobody', (address: string) => `${address}&request_uri=urn:nobody`],
    ['a hint that is no token', (address: string) => `${address}&id_token_hint=hello`],
    ['a broken escape', (address: string) => `${address}&state=%zz`],
    ['NUL bytes', (address: string) => `${address}&state=%00%00`],
    [
      'an installation_id that is too long',
      (address: string) => `${address}&installation_id=${'x'.repeat(129)}`,
    ],
  ])('are refused without a 5xx: %s (I9)', async (_case, change) => {
    const answer = await newBrowser(strata).get(change(web.ask().address));

    expect(answer.status).toBeLessThan(500);
  });
});
