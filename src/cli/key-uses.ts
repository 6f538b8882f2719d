// What keys of each use are for, in the words of the help.
import type { KeyUse } from '../keys/keyring.ts';

const words: Readonly<Record<KeyUse, string>> = {
  signing: 'private keys of ID tokens and JWT access tokens, published at /jwks',
  refresh: 'MACs of refresh tokens',
  ticket: 'MACs of short codes: sign-up, devices',
  qr: 'codes of QR sign-in',
  cookie: 'signatures of cookies',
  form: 'CSRF values, and the marks of known browsers',
  dpop: 'DPoP nonces',
  record: 'records that are sealed in the database',
  client: 'MACs of client secrets',
};

/** One line for each use. */
export function keyUseHelp(): string {
  return Object.entries(words)
    .map(([use, what]) => `  ${use.padEnd(8)} ${what}`)
    .join('\n');
}
