// Settings about people: how they sign up, what a password costs, how many wrong ones are too many.
import { z } from 'zod';
import { count, duration, words } from './fields.ts';

export const signUpSection = z.strictObject({
  enabled: z.boolean().default(false),
  /** How long the code in the confirmation mail works, in ms. */
  codeLifetime: duration({ min: '1m', max: '24h' }).prefault('15m'),
});

export const mailSection = z.strictObject({
  /** Sender of all mail: an address, or `Name <address>`. */
  from: words(200)
    .regex(/^[^<>\r\n]*<?[^\s@<>]+@[^\s@<>]+>?$/, 'must be an address such as Strata <no-reply@example.com>')
    .default('Strata <no-reply@localhost>'),
  /** Mail server, credentials included: smtps://user:password@host:465. A secret. */
  smtpUrl: z.string().refine(isSmtpUrl, 'must be an smtp:// or smtps:// URL with a host').exactOptional(),
});

export const passwordsSection = z.strictObject({
  /** Argon2id memory of one hash in KiB. */
  memoryKiB: count({ min: 7_168, max: 1_048_576 }).default(19_456),
  /** Argon2id passes over that memory. */
  passes: count({ min: 1, max: 20 }).default(2),
  /** Hashes computed at once; absent = as many as the machine has cores. */
  parallel: count({ min: 1, max: 64 }).exactOptional(),
  /** Sign-ins that may wait for a hash; beyond it the answer is 503 with Retry-After. */
  queueMax: count({ min: 1, max: 10_000 }).default(64),
  /** Shortest password that may be chosen, in characters. */
  lengthMin: count({ min: 8, max: 64 }).default(10),
  /** Minimal Argon2 cost, for this project's own tests; accepted only where STRATA_TEST=1 is set. */
  testCost: z.boolean().default(false),
});

export const signInSection = z.strictObject({
  /** Wrong passwords for one account within the window before further attempts are refused. */
  failuresMax: count({ min: 3, max: 1_000 }).default(10),
  /** Length of that window in ms. */
  failureWindow: duration({ min: '1m', max: '24h' }).prefault('15m'),
});

function isSmtpUrl(text: string): boolean {
  return /^smtps?:\/\//.test(text) && URL.canParse(text) && new URL(text).hostname !== '';
}
