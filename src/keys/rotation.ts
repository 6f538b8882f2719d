// When a rotated key comes into use and how long those before it still verify. A key is known before it is
// used, so that no process and no cache of the JWKS meets it as a stranger, and is kept until nothing that it
// signed, sealed or numbered can live.
import type { Config } from '../config/schema.ts';
import type { KeyUse, RotationSchedule } from './keyring.ts';

/** Processes read the keys again when they are told, and in any case every 30 s. */
const PROCESSES_KNOW_MS = 60_000;
const DAY_MS = 86_400_000;
/** The cookie that knows a browser again, and the marks in it, live that long. */
const BROWSER_MS = 365 * DAY_MS;

export function rotationSchedule(
  use: KeyUse,
  { keys, platforms }: Pick<Config, 'keys' | 'platforms'>,
): RotationSchedule {
  const longestSession = Math.max(DAY_MS, ...Object.values(platforms).map(({ absolute }) => absolute ?? 0));
  switch (use) {
    case 'signing':
      return { leadMs: keys.publishLead, keepMs: keys.retire };
    case 'refresh':
    case 'cookie':
    case 'record':
      return { leadMs: PROCESSES_KNOW_MS, keepMs: longestSession };
    case 'form':
      return { leadMs: PROCESSES_KNOW_MS, keepMs: BROWSER_MS };
    case 'ticket':
    case 'qr':
    case 'dpop':
      return { leadMs: PROCESSES_KNOW_MS, keepMs: DAY_MS };
    case 'client':
      // Secrets of clients have no end of their own, and their MACs cannot be made anew without them.
      return { leadMs: PROCESSES_KNOW_MS };
  }
}
