// What the pages and the JSON API work with.
import type { SignInDeps } from '../accounts/sign-in.ts';
import type { SignUpDeps } from '../accounts/sign-up.ts';
import type { ClientRegistry } from '../clients/client-registry.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { RedemptionDeps } from '../grants/redemption.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { Outbox } from '../messages/outbox.ts';
import type { ApiTable } from '../oidc/apis.ts';
import type { Engine } from '../oidc/engine-types.ts';
import type { OwnTokens } from '../oidc/own-tokens.ts';
import type { TrustedProxies } from '../protection/address.ts';
import type { Limiter } from '../protection/limiter.ts';
import type { EndingDeps } from '../sessions/ending.ts';
import type { Store } from '../storage/store.ts';
import type { QrService } from './qr-service.ts';
import type { Renderer } from './render.ts';

export interface WebDeps {
  config: Config;
  store: Store;
  clock: Clock;
  log: Log;
  keyring: Keyring;
  clients: ClientRegistry;
  apis: ApiTable;
  tokens: OwnTokens;
  renderer: Renderer;
  /** The engine in force; it changes when the keys do. */
  engine(): Engine;
  signIn: SignInDeps;
  /** Absent where sign-up is switched off. */
  signUp?: SignUpDeps;
  /** Development only. */
  outbox?: Outbox;
  /** Where demo accounts are seeded: one that the playground may name to everybody. */
  demoAccount?: { identifier: string; password: string };
  sessions: RedemptionDeps & EndingDeps;
  qr: QrService;
  trustedProxies: TrustedProxies;
  /** Aborted when the process begins to stop: streams end and hand over. */
  shutdown: AbortSignal;
  /** Wrong user codes, by browser and network. */
  userCodeLimits: { browser: Limiter; network: Limiter };
}
