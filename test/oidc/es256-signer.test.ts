import { exportJWK, flattenedVerify, importJWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { makeSigningKey } from '../../src/keys/signing-key.ts';
import { Es256Signer } from '../../src/oidc/es256-signer.ts';

const privateJwk = JSON.parse(makeSigningKey().toString());

describe('Es256Signer', () => {
  const signer = new Es256Signer({ ...privateJwk, kid: 'k1' });

  it('signs so that other software verifies it by the public key', async () => {
    const header = Buffer.from('{"alg":"ES256"}').toString('base64url');
    const payload = Buffer.from('what is signed').toString('base64url');
    const signature = Buffer.from(signer.sign(Buffer.from(`${header}.${payload}`))).toString('base64url');
    const publicKey = await importJWK(await exportJWK(signer.keyObject()), 'ES256');

    const verified = await flattenedVerify({ protected: header, payload, signature }, publicKey);

    expect(Buffer.from(verified.payload).toString()).toBe('what is signed');
    await expect(
      flattenedVerify({ protected: header, payload: `${payload}A`, signature }, publicKey),
    ).rejects.toThrow('signature verification failed');
  });

  it('shows its name, its use and its public part, and nothing else', () => {
    expect({ kid: signer.kid, alg: signer.alg, use: signer.use, kty: signer.kty, crv: signer.crv }).toEqual({
      kid: 'k1',
      alg: 'ES256',
      use: 'sig',
      kty: 'EC',
      crv: 'P-256',
    });
    expect(signer.keyObject().type).toBe('public');
    expect(JSON.stringify(signer)).not.toContain(privateJwk.d);
  });
});
