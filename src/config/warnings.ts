// Settings that are allowed, may even be right, but weaken something: said at every start.
import { isLoopbackHost } from './fields.ts';
import type { Config } from './schema.ts';

/** One sentence for each such setting. */
export function configurationWarnings(config: Config): string[] {
  const warnings = [
    config.qr.confirm === 'none' &&
      'qr.confirm is none: whoever gets a phone to scan a code is signed in without any further question.',
    config.qr.confirm === 'tap' &&
      'qr.confirm is tap: a person who taps without reading can be made to let a stranger in.',
    config.profile === 'production' &&
      config.trustedProxies.length === 0 &&
      'trustedProxies is empty: behind a reverse proxy every request seems to come from the same address.',
    config.previousMasterSecret !== undefined &&
      'a previous master secret is set: when strata keys rotate-master has run, remove it.',
    config.demo &&
      !isLoopbackHost(config.listen.host) &&
      'demo is on and other machines reach it: everybody knows the passwords of the demo accounts.',
    config.passwords.testCost && 'passwords.testCost is on: password hashes are worth nothing.',
  ];
  return warnings.filter((warning) => warning !== false);
}
