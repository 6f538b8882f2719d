// A key that an app proves to have (RFC 9449), and its proofs.
import { createHash, randomBytes } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';

export interface DpopKey {
  thumbprint: string;
  proof(method: string, url: string, accessToken?: string, nonce?: string): Promise<string>;
}

export async function dpopKey(now: () => number): Promise<DpopKey> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(publicKey);
  return {
    thumbprint: await calculateJwkThumbprint(jwk),
    proof: (method, url, accessToken, nonce) =>
      new SignJWT({
        htm: method,
        htu: url,
        jti: randomBytes(16).toString('base64url'),
        ...(nonce && { nonce }),
        ...(accessToken && { ath: createHash('sha256').update(accessToken).digest('base64url') }),
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
        .setIssuedAt(Math.floor(now() / 1000))
        .sign(privateKey),
  };
}
