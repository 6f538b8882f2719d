// The protocol engine, assembled: settings, adapter, grants and overrides around one `oidc-provider`. A new
// one is built whenever the keys change; requests that run on the old one end there.
import type { KoaContextWithOIDC } from 'oidc-provider';
import { Provider } from 'oidc-provider';
import type { ClientRegistry } from '../clients/client-registry.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { GrantDeps } from '../grants/table.ts';
import { registerGrants } from '../grants/table.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { Store } from '../storage/store.ts';
import { accountFinder } from './account-claims.ts';
import { adapterFactory } from './adapter.ts';
import type { ApiTable } from './apis.ts';
import { accessTokenClaims, resourceServerLookup } from './apis.ts';
import { overrideEngine } from './engine-overrides.ts';
import type { EnginePages } from './engine-pages.ts';
import { introspectionPolicy, noteStructuredTokens } from './introspection.ts';
import { forgetNativeSessions, separateNativeCookies } from './native-requests.ts';
import type { PlanDeps } from './session-plans.ts';
import { grantLoader } from './session-plans.ts';
import { engineSettings } from './settings.ts';
import { tokenLifetimes } from './token-lifetimes.ts';

export interface EngineDeps {
  config: Config;
  store: Store;
  clock: Clock;
  keyring: Keyring;
  clients: ClientRegistry;
  /** See `AfterRestore`. */
  restoredAt: number | undefined;
  apis: ApiTable;
  grants: GrantDeps;
  pages: EnginePages;
  log: Log;
  deviceNameOf: PlanDeps['deviceNameOf'];
}

export function createProvider(deps: EngineDeps): Provider {
  const { config, store, clients, apis } = deps;
  const provider = new Provider(
    config.issuer,
    engineSettings({
      ...deps,
      callbacks: {
        adapter: adapterFactory({ ...deps, settings: deps.grants.settings }),
        extraTokenClaims: accessTokenClaims,
        findAccount: accountFinder(store),
        loadExistingGrant: grantLoader({ ...deps, platforms: config.platforms, apiScopes: apis.scopes }),
        ttl: tokenLifetimes(deps),
        getResourceServerInfo: resourceServerLookup(apis),
        introspectionPolicy: introspectionPolicy(clients),
      },
    }),
  );
  overrideEngine(provider, deps);
  registerGrants(provider, deps.grants);
  separateNativeCookies(provider);
  forgetNativeSessions(provider);
  noteStructuredTokens(provider);
  tellReasons(provider);
  tellInterval(provider, config.deviceFlow.interval);
  logServerErrors(provider, deps.log);
  return provider;
}

/** `error_reason` and `Retry-After` for the refusals that carry them; the engine's bodies have neither. */
function tellReasons(provider: Provider): void {
  provider.on('grant.error', (ctx, error) => {
    // Both members are set by our own refusals only (grants/refusals.ts).
    const { error_reason, retryAfterSeconds } = error as {
      error_reason?: string;
      retryAfterSeconds?: number;
    };
    if (retryAfterSeconds !== undefined) ctx.set('retry-after', String(retryAfterSeconds));
    if (error_reason !== undefined && isObject(ctx.body)) Object.assign(ctx.body, { error_reason });
  });
}

/** How often a device may ask (RFC 8628 §3.2); the engine leaves every client to the default of 5 s. */
function tellInterval(provider: Provider, intervalMs: number): void {
  provider.on('device_authorization.success', (_ctx, body) => {
    Object.assign(body, { interval: Math.ceil(intervalMs / 1000) });
  });
}

function logServerErrors(provider: Provider, log: Log): void {
  provider.on('server_error', (ctx: KoaContextWithOIDC, err: Error) => {
    log.error({ err, route: ctx.oidc?.route }, 'the protocol engine failed');
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
