// Settings about the process: where it listens, where its data lies, what it accepts, how it stops.
import { z } from 'zod';
import { count, duration, words } from './fields.ts';

export const listenSection = z.strictObject({
  /** Address to listen on; 0.0.0.0 or :: for all of the machine's. */
  host: words(255).default('127.0.0.1'),
  /** TCP port; 0 takes a free one and needs an issuer that was set. */
  port: count({ min: 0, max: 65_535 }).default(3000),
});

/** Only the form; what a MongoDB URL may say beyond that is the driver's to judge. */
const storeUrl = /^(sqlite:(?!\/\/).+|mongodb(\+srv)?:\/\/[^/?]+\/[^/?]+(\?.*)?)$/;

export const storeSection = z.strictObject({
  /**
   * `sqlite:` and a file relative to dataDir or absolute, `sqlite::memory:`, or the servers and the database of
   * a MongoDB. A secret where it holds a password.
   */
  url: z
    .string()
    .regex(storeUrl, 'must be sqlite: and a file, such as sqlite:strata.db, or mongodb://SERVER/DATABASE')
    .default('sqlite:strata.db'),
});

export const brandingSection = z.strictObject({
  /** Name of the product on all pages. */
  name: words(60).default('Strata'),
  /** Logo as a path on this server: no page may make a request to another host. */
  logoUrl: z
    .string()
    .max(512)
    .regex(/^\/(?![/\\])[^\s\\?#]*$/, 'must be a path on this server, such as /branding/logo.svg')
    .exactOptional(),
});

export const limitsSection = z.strictObject({
  /** Largest request body in bytes; beyond it the answer is 413. */
  bodyBytes: count({ min: 1_024, max: 10_485_760 }).default(65_536),
  /** Largest sum of request headers in bytes. */
  headerBytes: count({ min: 4_096, max: 65_536 }).default(16_384),
  /** Time for a request's headers to arrive, in ms. */
  headersTimeout: duration({ min: '1s', max: '5m' }).prefault('10s'),
  /** Time for a whole request to arrive, in ms. */
  requestTimeout: duration({ min: '1s', max: '10m' }).prefault('30s'),
  /** Open connections of one process, waiting streams included; further ones are closed at once. */
  connectionsMax: count({ min: 10, max: 1_000_000 }).default(20_000),
  /** Sign-ins that one network (an IPv4 address, an IPv6 /64) may begin in a minute; beyond it the answer is 429. */
  authorizationsPerMinute: count({ min: 10, max: 1_000_000 }).default(600),
});

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export const logSection = z.strictObject({
  level: z.enum(logLevels).default('info'),
});

export const shutdownSection = z.strictObject({
  /** How long /readyz says 503 while requests are still taken, in ms, so that proxies turn away first. */
  announce: duration({ min: '0s', max: '5m' }).prefault('2s'),
  /** Time from a signal to stop until running requests are cut off, in ms; the announcement is part of it. */
  grace: duration({ min: '0s', max: '5m' }).prefault('10s'),
});
