// QR sign-in, assembled for this process.
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Keyring } from '../keys/keyring.ts';
import { createLimiter } from '../protection/limiter.ts';
import { countOpenTransactions } from '../qr/open-transactions.ts';
import { createWaiters } from '../qr/waiting.ts';
import type { Store } from '../storage/store.ts';
import type { WebDeps } from './web-deps.ts';

export interface QrParts {
  config: Config;
  store: Store;
  clock: Clock;
  keyring: Keyring;
  log: Log;
}

/** Transactions that one network may open in a minute; a page opens one at a time. */
const OPENINGS_PER_MINUTE = 60;

export function createQr({ config, store, clock, keyring, log }: QrParts): WebDeps['qr'] {
  const openings = createLimiter({ rule: { limit: OPENINGS_PER_MINUTE, windowMs: 60_000 }, clock });
  return {
    store,
    clock,
    keys: keyring,
    issuer: config.issuer,
    settings: config.qr,
    openTransactions: countOpenTransactions(config.qr.openMax),
    limitOpening: async ({ address }) => {
      const outcome = openings.take(address);
      return outcome.kind === 'limited' ? outcome.retryAfterSeconds * 1000 : undefined;
    },
    waiters: createWaiters({
      store,
      clock,
      subscribersMax: config.limits.connectionsMax,
      onError: (error) => log.error({ err: error }, 'changes of QR transactions could not be read'),
    }),
  };
}
