// Keys that sign JWTs: ES256 pairs kept in the keyring as private JWKs. A key is published before it signs
// and stays published until no token it signed can live, so that rotation needs no restart and no luck.
import { generateKeyPairSync } from 'node:crypto';
import type { JWK } from 'jose';
import { digest } from '../core/secrets.ts';
import type { Key, Keyring } from './keyring.ts';

/** A new private key as the bytes that the keyring stores. */
export function makeSigningKey(): Buffer {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return Buffer.from(JSON.stringify(privateKey.export({ format: 'jwk' })));
}

/** The private JWKs, the one that signs now first; the engine signs with the first and publishes all. */
export function signingKeys(keyring: Keyring): JWK[] {
  const current = keyring.current('signing');
  const others = keyring.all('signing').filter((key) => key.kid !== current.kid);
  return [current, ...others].map(privateJwk);
}

/** The same keys without their private part, by key id. */
export function verificationKeys(keyring: Keyring): JWK[] {
  return signingKeys(keyring).map(({ d: _private, ...jwk }) => jwk);
}

/** The `kid` that the key has in the JWKS and in the tokens that it signs. */
export function publicKeyId(key: Key): string {
  return privateJwk(key).kid;
}

function privateJwk(key: Key): JWK & { kid: string } {
  const jwk = JSON.parse(key.bytes.toString()) as JWK;
  // A key id made from the key itself: a database that was made anew never repeats one.
  const kid = digest(jwk.x ?? '', jwk.y ?? '').slice(0, 16);
  return { ...jwk, kid, alg: 'ES256', use: 'sig' };
}
