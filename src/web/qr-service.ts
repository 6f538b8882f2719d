// QR sign-in, assembled for this process.
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Keyring } from '../keys/keyring.ts';
import { networkPrefix } from '../protection/address.ts';
import type { Limiter } from '../protection/limiter.ts';
import { createLimiter } from '../protection/limiter.ts';
import type { FollowingDeps } from '../qr/following.ts';
import { countOpenTransactions } from '../qr/open-transactions.ts';
import type { OpeningDeps } from '../qr/opening.ts';
import type { ScanningDeps } from '../qr/scanning.ts';
import { createWaiters } from '../qr/waiting.ts';
import type { Store } from '../storage/store.ts';

export type QrService = OpeningDeps &
  ScanningDeps &
  FollowingDeps & {
    /** Scans are where codes could be guessed and people be pestered. */
    readonly scanLimits: { readonly session: Limiter; readonly network: Limiter };
  };

export interface QrParts {
  readonly config: Pick<Config, 'issuer' | 'limits' | 'qr'>;
  readonly store: Store;
  readonly clock: Clock;
  readonly keyring: Keyring;
  readonly log: Log;
}

const MINUTE_MS = 60_000;
/** Transactions that one network may open in a minute. An office shares one, and every sign-in page opens one. */
const OPENINGS_PER_MINUTE = 120;
/** Nobody signs in more screens than that; a whole office may. */
const SCANS_PER_MINUTE = { session: 10, network: 120 };

export function createQr({ config, store, clock, keyring, log }: QrParts): QrService {
  const perMinute = (limit: number) => createLimiter({ rule: { limit, windowMs: MINUTE_MS }, clock });
  const openings = perMinute(OPENINGS_PER_MINUTE);
  return {
    store,
    clock,
    keys: keyring,
    issuer: config.issuer,
    settings: config.qr,
    openTransactions: countOpenTransactions(config.qr.openMax),
    limitOpening: async ({ address }) => {
      const outcome = openings.take(networkPrefix(address));
      return outcome.kind === 'limited' ? outcome.retryAfterSeconds * 1000 : undefined;
    },
    scanLimits: {
      session: perMinute(SCANS_PER_MINUTE.session),
      network: perMinute(SCANS_PER_MINUTE.network),
    },
    waiters: createWaiters({
      store,
      clock,
      subscribersMax: config.limits.connectionsMax,
      onError: (error) => log.error({ err: error }, 'changes of QR transactions could not be read'),
    }),
  };
}
