// Signs cookies with the keys of the keyring, in place of Keygrip, which Koa and the engine use by themselves:
// Keygrip prepares its keys again for each signature, draws a random key for each comparison, and takes SHA-1.
import { equalSecrets, mac } from '../core/secrets.ts';
import type { Key, Keyring } from '../keys/keyring.ts';

/** What the cookies library asks of whatever signs for it. `data` is `name=value`. */
export interface CookieSigner {
  sign(data: string): string;
  verify(data: string, signature: string): boolean;
  /** -1 where no key made the signature. After any but 0, the key in force, the cookie is signed again. */
  index(data: string, signature: string): number;
}

export function cookieSigner(keyring: Keyring): CookieSigner {
  function index(data: string, signature: string): number {
    const current = keyring.current('cookie');
    const others = keyring.all('cookie').filter((key) => key !== current);
    return [current, ...others].findIndex((key) => equalSecrets(signatureBy(key, data), signature));
  }

  return {
    sign: (data) => signatureBy(keyring.current('cookie'), data),
    verify: (data, signature) => index(data, signature) >= 0,
    index,
  };
}

function signatureBy({ bytes }: Key, data: string): string {
  return mac(bytes, 'cookie', data);
}
