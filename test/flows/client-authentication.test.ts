// How clients prove themselves at the endpoints that ask for it (RFC 6749 §2.3, RFC 7523), and how they are
// refused.
import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addApp, apiApp, atOnce, basic, type JsonAnswer, nativeApp, postForm } from '../support/app.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const credentials = { grant_type: 'client_credentials' };

let strata: TestServer;

beforeAll(async () => {
  strata = await startTestServer();
});

afterAll(() => strata.close());

function token(form: Record<string, string>, headers: Record<string, string> = {}): Promise<JsonAnswer> {
  return postForm(`${strata.origin}/token`, form, headers);
}

describe('client_secret_basic', () => {
  it.each([
    ['letters', 'abcdefghijklmnopqrstuvwxyz'],
    ['a plus, a percent sign and a colon', 'a+b%c:d+e%f:g+h%i:j'],
    ['what looks like an escape', 'secret%2Bsecret%3Asecret'],
    ['every visible sign and blanks', ` ~}|{z\`_^]\\[Z@?>=<;:9/.-,+*)('&%$#"! `],
  ])('accepts a secret of %s, form-encoded (RFC 6749 §2.3.1)', async (_case, secret) => {
    const { id } = await strata.addClient({ ...apiApp, client_secret: secret });

    const answer = await token(credentials, { authorization: basic(id, secret) });

    expect(answer.status).toBe(200);
  });

  it('refuses a wrong secret and an unknown client alike (I10)', async () => {
    const { id } = await strata.addClient(apiApp);

    const wrong = await token(credentials, { authorization: basic(id, 'wrong wrong wrong') });
    const unknown = await token(credentials, { authorization: basic('nobody', 'wrong wrong wrong') });

    expect(wrong.status).toBe(401);
    expect(wrong.body).toEqual(unknown.body);
    expect(unknown.status).toBe(401);
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Basic /);
  });

  it.each([
    ['no base64', 'Basic !!!'],
    ['no colon', `Basic ${btoa('nothing')}`],
    ['a broken escape', `Basic ${btoa('%zz:%zz')}`],
    ['another scheme', 'Digest x'],
  ])('refuses a header with %s (I9)', async (_case, authorization) => {
    const answer = await token(credentials, { authorization });

    expect([400, 401]).toContain(answer.status);
    expect(['invalid_client', 'invalid_request']).toContain(answer.body.error);
  });
});

describe('client_secret_post', () => {
  it('accepts the secret in the body, and not another', async () => {
    const post = { ...apiApp, token_endpoint_auth_method: 'client_secret_post' as const };
    const { id, secret } = await strata.addClient(post);

    expect((await token({ ...credentials, client_id: id, client_secret: secret })).status).toBe(200);
    const wrong = await token({ ...credentials, client_id: id, client_secret: `${secret}x` });
    expect(wrong).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });
});

describe('private_key_jwt', () => {
  it('accepts an assertion once: of twenty at once one gets a token (I2)', async () => {
    const { assert } = await keyClient();
    const form = await assert();

    const answers = await atOnce(() => token(form));

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(new Set(refused.map(({ status, body }) => `${status} ${body.error}`))).toEqual(
      new Set(['401 invalid_client']),
    );
    expect((await token(await assert())).status).toBe(200);
  });

  it.each([
    ['of another key', { key: 'other' }],
    ['for another server', { audience: 'https://elsewhere.example' }],
    ['that has expired', { expiresIn: -60 }],
    ['that would have to be remembered for years', { expiresIn: 10 * 365 * 86_400 }],
    ['that would have to be remembered for ever', { expiresIn: 1e300 }],
    ['without an id', { jti: '' }],
  ])('refuses an assertion %s', async (_case, change) => {
    const { assert } = await keyClient();

    const answer = await token(await assert(change));

    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  it('asks about tokens too', async () => {
    const { assert } = await keyClient();
    const { body } = await token(await assert());

    const form = { ...(await assert()), token: body.access_token };
    const answer = await postForm(`${strata.origin}/introspect`, form);
    expect(answer.body.active).toBe(true);
    expect((await postForm(`${strata.origin}/introspect`, form)).status).toBe(401);
  });
});

describe('none', () => {
  it('is for public clients, whose id alone gets no token of an API app', async () => {
    const app = await addApp(strata, nativeApp);

    const answer = await token({ ...credentials, client_id: app.id });

    expect(answer.status).toBe(400);
    expect(['unauthorized_client', 'invalid_request']).toContain(answer.body.error);
  });

  it('is refused to a client that has a secret', async () => {
    const { id } = await strata.addClient(apiApp);

    expect(await token({ ...credentials, client_id: id })).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
  });
});

async function keyClient() {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const other = await generateKeyPair('ES256');
  const { id } = await strata.addClient({
    ...apiApp,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig' }] },
  });

  interface Change {
    key?: string;
    audience?: string;
    expiresIn?: number;
    jti?: string;
  }

  async function assert(change: Change = {}): Promise<Record<string, string>> {
    const now = Math.floor(strata.clock.now() / 1000);
    const { audience = strata.origin, expiresIn = 60, jti = randomBytes(12).toString('hex') } = change;
    const client_assertion = await new SignJWT(jti === '' ? {} : { jti })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer(id)
      .setSubject(id)
      .setAudience(audience)
      .setIssuedAt(now)
      .setExpirationTime(now + expiresIn)
      .sign(change.key === 'other' ? other.privateKey : privateKey);
    return { ...credentials, client_assertion_type: assertionType, client_assertion };
  }

  return { id, assert };
}
