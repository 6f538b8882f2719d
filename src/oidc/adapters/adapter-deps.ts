import type { ClientRegistry } from '../../clients/client-registry.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Keyring } from '../../keys/keyring.ts';
import type { EndingDeps } from '../../sessions/ending.ts';
import type { Store } from '../../storage/store.ts';

export interface AdapterDeps {
  store: Store;
  clock: Clock;
  keyring: Keyring;
  clients: ClientRegistry;
  settings: EndingDeps['settings'];
  log: Log;
}
