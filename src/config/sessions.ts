// Settings about device sessions, their codes and keys, and the ways in beside the sign-in page.
import { z } from 'zod';
import { count, duration } from './fields.ts';

export const sessionsSection = z.strictObject({
  /** How long an answer may be lost, late or doubled before a refresh token counts as stolen, in ms (I4, I5). */
  refreshWindow: duration({ min: '10s', max: '10m' }).prefault('120s'),
  /** How long an ended session can still tell its reason, in ms. */
  tombstones: duration({ min: '1d', max: '3650d' }).prefault('90d'),
  /** Apps in one device session; one more drops the least recently used. */
  appsMax: count({ min: 1, max: 32 }).default(32),
  /** Chains of refresh tokens of one app; one more drops the least recently used. */
  chainsMax: count({ min: 1, max: 4 }).default(4),
  /** Live sessions of one account; one more ends the oldest. */
  rosterMax: count({ min: 1, max: 200 }).default(200),
  /** Time to complete a sign-in once it was begun, in ms. */
  interaction: duration({ min: '5m', max: '24h' }).prefault('1h'),
  /** Lifetime of an authorization code in ms. RFC 6749 §4.1.2 recommends ten minutes at most. */
  authorizationCode: duration({ min: '10s', max: '10m' }).prefault('60s'),
});

export const qrSection = z.strictObject({
  /** Whether a phone may sign in a PC by scanning its code. */
  map: z.boolean().default(true),
  /** How often an unused code changes, in ms; a code lives for twice that (I6). */
  rotateEvery: duration({ min: '10s', max: '60s' }).prefault('60s'),
  /** How long one QR transaction may take from first code to approval, in ms. */
  transaction: duration({ min: '1m', max: '1h' }).prefault('10m'),
  /** How the grantor confirms a scan: types two digits, taps once, or not at all. */
  confirm: z.enum(['number', 'tap', 'none']).default('number'),
  /** Time from scan to approval, and from approval to redemption, in ms. */
  approval: duration({ min: '10s', max: '10m' }).prefault('60s'),
  /** Open transactions in one process; beyond it the answer is 503 with Retry-After. */
  openMax: count({ min: 1, max: 1_000_000 }).default(10_000),
  /** Least time between two polls where streams do not get through, in ms. */
  interval: duration({ min: '1s', max: '60s' }).prefault('5s'),
});

export const deviceFlowSection = z.strictObject({
  /** How long a device code and its user code work, in ms. */
  lifetime: duration({ min: '1m', max: '1h' }).prefault('10m'),
  /** Least time between two polls, in ms (RFC 8628 §3.5). */
  interval: duration({ min: '1s', max: '60s' }).prefault('5s'),
  /** Wrong user codes in one sitting before entry is refused. */
  wrongCodesMax: count({ min: 1, max: 20 }).default(5),
});

export const keysSection = z.strictObject({
  /** How long a new signing key is published before it signs, in ms, so that caches have seen it. */
  publishLead: duration({ min: '0s', max: '7d' }).prefault('10m'),
  /** How long a replaced signing key is still published, in ms; not less than its tokens live. */
  retire: duration({ min: '1h', max: '365d' }).prefault('24h'),
});
