// Proofs after a restore: none from before it is taken while it could be good (I2).
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refuseForgottenAssertion, requiresNonce } from '../../src/oidc/after-restore.ts';
import { restores } from '../../src/storage/restored.ts';
import { put } from '../../src/storage/store.ts';
import { apiApp, postForm } from '../support/app.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const RESTORED = Date.UTC(2026, 0, 1);
const SECOND = 1_000;
const DAY = 86_400 * SECOND;

function since(seconds: number, restoredAt: number | undefined = RESTORED) {
  return { clock: { now: () => RESTORED + seconds * SECOND }, restoredAt };
}

describe('requiresNonce', () => {
  it.each([
    [0, true],
    // A proof of a clock that is five minutes ahead, shown five minutes after the time that it names.
    [600, true],
    [601, false],
  ])('%i s after the restore: %s', (seconds, expected) => {
    expect(requiresNonce(since(seconds))).toBe(expected);
  });

  it('is false where nothing was restored', () => {
    expect(requiresNonce({ ...since(0), restoredAt: undefined })).toBe(false);
  });
});

describe('refuseForgottenAssertion', () => {
  const iat = (seconds: number) => ({ iat: RESTORED / SECOND + seconds });

  it.each([
    ['made before the restore', 60, iat(-1)],
    ['made by a clock that may be ahead', 60, iat(30)],
    ['that does not say when it was made', 86_399, {}],
    ['that says it in words', 60, { iat: '2026' }],
  ])('refuses an assertion %s', (_case, seconds, claims) => {
    expect(() => refuseForgottenAssertion(since(seconds), claims)).toThrow('invalid_client');
  });

  it.each([
    ['made since', since(60), iat(31)],
    ['of any time, a day later', since(DAY / SECOND), {}],
    ['of any time, where nothing was restored', { ...since(0), restoredAt: undefined }, {}],
  ])('takes an assertion %s', (_case, restore, claims) => {
    expect(() => refuseForgottenAssertion(restore, claims)).not.toThrow();
  });
});

describe('a server on a restored store', () => {
  let strata: TestServer;

  beforeEach(async () => {
    strata = await startTestServer();
  });
  afterEach(() => strata.close());

  it('takes no client assertion of before the restore (I2)', async () => {
    const assert = await keyClient();
    const used = await assert();
    expect((await token(used)).status).toBe(200);
    strata.clock.advance(SECOND);
    await strata.store.commit([put(restores, 'last', { state: 'done', at: strata.clock.now() })]);
    await strata.restart();
    strata.clock.advance(40 * SECOND);

    const unused = await assert(-41);
    expect(await token(unused)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect((await token(await assert())).status).toBe(200);
  });

  function token(client_assertion: string) {
    return postForm(`${strata.origin}/token`, {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion,
    });
  }

  async function keyClient() {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const { id } = await strata.addClient({
      ...apiApp,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig' }] },
    });
    let serial = 0;
    return (seconds = 0) => {
      const now = Math.floor(strata.clock.now() / SECOND) + seconds;
      serial += 1;
      return new SignJWT({ jti: `jti-${serial}` })
        .setProtectedHeader({ alg: 'ES256' })
        .setIssuer(id)
        .setSubject(id)
        .setAudience(strata.origin)
        .setIssuedAt(now)
        .setExpirationTime(now + 300)
        .sign(privateKey);
    };
  }
});
