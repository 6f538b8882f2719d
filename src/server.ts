// The composition root: Config → a server. Everything is made here and handed down; nothing below reaches
// for a global.
import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClaimsHook } from './accounts/claims-hook.ts';
import type { PasswordHasher } from './accounts/hash-queue.ts';
import { createSignInLimits } from './accounts/sign-in.ts';
import { createSignUpLimits, type SignUpDeps } from './accounts/sign-up.ts';
import type { ClientRecord } from './clients/client.ts';
import { CLIENTS_TOPIC, type ClientRegistry } from './clients/client-registry.ts';
import type { Config } from './config/schema.ts';
import type { Clock } from './core/clock.ts';
import { createLog, type Log } from './core/log.ts';
import { DEMO_PASSWORD, demoAccounts, refuseDemoData, seedDemo } from './demo.ts';
import { type Foundation, openFoundation } from './foundation.ts';
import { scopeCeiling } from './grants/granted-scopes.ts';
import type { GrantDeps } from './grants/table.ts';
import { KEYS_TOPIC, type Keyring } from './keys/keyring.ts';
import { createMailQueue, type MailQueue } from './messages/mail.ts';
import { createOutbox, type Outbox } from './messages/outbox.ts';
import { apiTable, claimsForApi } from './oidc/apis.ts';
import { ownTokens } from './oidc/own-tokens.ts';
import { createProvider } from './oidc/provider.ts';
import { longestAccessToken } from './oidc/token-lifetimes.ts';
import { readiness, showHealth } from './operations/health.ts';
import { parseTrustedProxies } from './protection/address.ts';
import { createLimiter } from './protection/limiter.ts';
import { createPacing } from './qr/pacing.ts';
import { keepSweeping, sweepOnce } from './sessions/sweeper.ts';
import type { Store } from './storage/store.ts';
import { createApp } from './web/app.ts';
import { enginePages } from './web/pages/engine-pages.ts';
import { OWN_CLIENT_ID } from './web/pages/own-sign-in.ts';
import { createQr } from './web/qr-service.ts';
import { createRenderer } from './web/render.ts';
import { deviceNameFrom } from './web/user-agent.ts';
import type { WebDeps } from './web/web-deps.ts';

export interface ServerOptions {
  clock?: Clock;
  log?: Log;
  /** A store that is open already; it is not closed with the server. */
  store?: Store;
  /** A foundation that is laid already; it is closed with the server, and brings its own clock and store. */
  foundation?: Foundation;
  /** Whether keys are read again and what is due is swept, every so often; yes unless told. */
  background?: boolean;
}

export interface StrataServer {
  readonly issuer: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly keyring: Keyring;
  readonly clients: ClientRegistry;
  readonly passwords: PasswordHasher;
  /** The mails of the development profile. */
  readonly outbox?: Outbox;
  /** Resolves to the port that it listens on. Rejects with the system's error where it cannot. */
  listen(): Promise<number>;
  /** One bite of what the sweeper does every second. */
  sweep(): Promise<boolean>;
  /** What a wake-up causes, and every 30 s: reads the keys again, uses those whose time has come. */
  reloadKeys(): Promise<void>;
  /** From now on /readyz says that no more requests should come; those that come are still served. */
  announceStop(): void;
  /** Not ready, streams hand over, running requests end within the grace (in ms), then everything closes. */
  close(graceMs?: number): Promise<void>;
}

/** For new keys whose wake-up was lost, and for those whose time has come. */
const KEY_RELOAD_MS = 30_000;
const IDLE_CHECK_MS = 50;
/** Longer than proxies keep a connection idle, so that it is never they who write to one that is closing. */
const KEEP_ALIVE_MS = 65_000;
const PACES_MAX = 100_000;
const NETWORK_CODE_FACTOR = 10;

export async function createServer(config: Config, options: ServerOptions = {}): Promise<StrataServer> {
  const log = options.log ?? createLog({ level: config.log.level });
  const foundation = options.foundation ?? (await openFoundation(config, options));
  const { clock, store, keyring, clients, passwords, restoredAt } = foundation;
  const stopping = new AbortController();
  const shutdown = new AbortController();
  const mail = config.mail.smtpUrl === undefined ? createOutbox(clock) : undefined;
  const mails = createMailQueue({ messenger: mail ?? (await smtpMessenger(config)), log });

  await seed(config, foundation);
  const { app, reloadKeys } = assemble({
    config,
    store,
    clock,
    log,
    keyring,
    clients,
    passwords,
    restoredAt,
    mails,
    outbox: mail,
    stopping: stopping.signal,
    shutdown: shutdown.signal,
  });
  const http = httpServer(config, app.callback());
  const sweeper = { store, clock, settings: { tombstonesMs: config.sessions.tombstones } };
  const subscriptions = [
    store.subscribe(KEYS_TOPIC, () => void reloadKeys().catch(report(log))),
    store.subscribe(CLIENTS_TOPIC, clients.forget),
  ];
  const endBackgroundWork = options.background === false ? async () => undefined : backgroundWork();

  function backgroundWork(): () => Promise<void> {
    const reloading = setInterval(() => void reloadKeys().catch(report(log)), KEY_RELOAD_MS);
    reloading.unref();
    const sweeping = keepSweeping({ ...sweeper, report: report(log) }, shutdown.signal);
    return async () => {
      clearInterval(reloading);
      await sweeping;
    };
  }

  async function close(graceMs = config.shutdown.grace): Promise<void> {
    stopping.abort();
    shutdown.abort();
    for (const unsubscribe of subscriptions) unsubscribe();
    await stopListening(http, graceMs);
    await endBackgroundWork();
    await mails.close();
    await foundation.close();
  }

  return {
    issuer: config.issuer,
    store,
    clock,
    keyring,
    clients,
    passwords,
    ...(mail && { outbox: mail }),
    listen: () => listen(http, config),
    sweep: () => sweepOnce(sweeper),
    reloadKeys,
    announceStop: () => stopping.abort(),
    close,
  };
}

/** The clients and accounts that the server itself brings along. */
async function seed(config: Config, foundation: Foundation): Promise<void> {
  if (config.profile === 'production') await refuseDemoData(foundation.clients);
  await Promise.all([
    foundation.clients.ensure(ownClient(config.issuer)),
    config.demo && seedDemo({ ...foundation, issuer: config.issuer }),
  ]);
}

interface Parts {
  config: Config;
  store: Store;
  clock: Clock;
  log: Log;
  keyring: Keyring;
  clients: ClientRegistry;
  passwords: PasswordHasher;
  restoredAt: number | undefined;
  mails: MailQueue;
  outbox: Outbox | undefined;
  /** Aborted when no more requests should come. */
  stopping: AbortSignal;
  /** Aborted when those that are there should end. */
  shutdown: AbortSignal;
}

/** The engine and the application around it; the engine is built anew when the keys have changed. */
function assemble(parts: Parts) {
  const { config, store, clock, log, keyring, clients, restoredAt } = parts;
  const apis = apiTable(config);
  const renderer = createRenderer({
    branding: config.branding,
    development: config.profile === 'development',
  });
  const userCodeLimits = userCodeLimitsOf(config, clock);
  const qr = createQr(parts);
  const grants = grantDeps(parts, { qr, apis });
  const engineDeps = {
    config,
    store,
    clock,
    log,
    keyring,
    clients,
    restoredAt,
    apis,
    grants,
    pages: enginePages({ renderer, clock, clients, store }),
    deviceNameOf,
  };
  let engine = createProvider(engineDeps);
  let engineBuiltFrom = engineKeys(keyring);

  const webDeps: WebDeps = {
    config,
    store,
    clock,
    log,
    keyring,
    clients,
    apis,
    renderer,
    qr,
    userCodeLimits,
    tokens: ownTokens({ store, clock, keyring, clients, issuer: config.issuer, restoredAt }),
    engine: () => engine,
    signIn: { store, clock, passwords: parts.passwords, limits: createSignInLimits(config.signIn, clock) },
    ...(config.signUp.enabled && { signUp: signUpDeps(parts) }),
    ...(parts.outbox && config.profile === 'development' && { outbox: parts.outbox }),
    sessions: grants,
    trustedProxies: parseTrustedProxies(config.trustedProxies),
    shutdown: parts.shutdown,
    ...(config.demo && { demoAccount: { identifier: demoAccounts[0].email, password: DEMO_PASSWORD } }),
  };
  const app = createApp(webDeps, [
    { method: 'GET', path: '/healthz', handler: showHealth },
    { method: 'GET', path: '/readyz', handler: readiness({ store, keyring, shutdown: parts.stopping }) },
  ]);

  async function reloadKeys(): Promise<void> {
    await keyring.reload();
    // A key's turn comes by time alone, so what counts is what the engine was built from.
    const keys = engineKeys(keyring);
    if (keys === engineBuiltFrom) return;

    engine = createProvider(engineDeps);
    engineBuiltFrom = keys;
    log.info({}, 'the keys have changed; the engine was built anew');
  }

  return { app, reloadKeys };
}

/** The engine holds the signing and nonce keys: these ids and which of them are active. */
function engineKeys(keyring: Keyring): string {
  const uses = ['signing', 'dpop'] as const;
  return uses
    .map((use) => [keyring.current(use).kid, ...keyring.all(use).map(({ kid }) => kid)].join())
    .join(';');
}

function grantDeps(
  { config, store, clock, log, keyring, clients }: Parts,
  made: { qr: WebDeps['qr']; apis: ReturnType<typeof apiTable> },
): GrantDeps {
  const { sessions, platforms } = config;
  return {
    store,
    clock,
    log,
    keyring,
    clients,
    platforms,
    qr: made.qr,
    pacing: createPacing({ clock, intervalMs: config.deviceFlow.interval, entriesMax: PACES_MAX }),
    settings: {
      appsMax: sessions.appsMax,
      chainsMax: sessions.chainsMax,
      rosterMax: sessions.rosterMax,
      tombstonesMs: sessions.tombstones,
      accessTokenMaxMs: longestAccessToken(config),
      refreshWindowMs: sessions.refreshWindow,
    },
    grantFor,
    claimsForApi: claimsForApi(
      made.apis,
      config.claimsHook && createClaimsHook({ clock, log }, config.claimsHook),
    ),
    apiScope: async ({ clientId, scope, resource }) => {
      const { resources } = await grantFor({ clientId, platform: 'api', scope, resource: [resource] });
      return resources[resource];
    },
  };

  async function grantFor(ask: {
    clientId: string;
    platform: string;
    scope: string;
    resource: readonly string[];
  }) {
    const client = await clients.find(ask.clientId);
    if (!client) return { openid: '', resources: {} };

    const context = { client, platform: platforms[ask.platform] ?? {}, apiScopes: made.apis.scopes };
    return scopeCeiling(ask, context);
  }
}

function signUpDeps({ config, store, clock, keyring, mails, passwords }: Parts): SignUpDeps {
  return {
    store,
    clock,
    mails,
    passwords,
    macKeys: {
      current: () => {
        const { kid, bytes } = keyring.current('ticket');
        return { kid, key: bytes };
      },
      find: (kid) => keyring.find('ticket', kid)?.bytes,
    },
    limits: createSignUpLimits(clock),
    settings: {
      codeLifetime: config.signUp.codeLifetime,
      passwordLengthMin: config.passwords.lengthMin,
      brand: config.branding.name,
      signInUrl: `${config.issuer}/sign-in`,
    },
  };
}

function userCodeLimitsOf(config: Config, clock: Clock): WebDeps['userCodeLimits'] {
  const rule = { limit: config.deviceFlow.wrongCodesMax, windowMs: config.deviceFlow.lifetime };
  return {
    browser: createLimiter({ rule, clock }),
    network: createLimiter({ rule: { ...rule, limit: rule.limit * NETWORK_CODE_FACTOR }, clock }),
  };
}

/** Its library is loaded only where mail is sent: what is not loaded does not hold up the start. */
async function smtpMessenger({ mail }: Config) {
  const { createSmtpMessenger } = await import('./messages/smtp.ts');
  return createSmtpMessenger({ url: mail.smtpUrl ?? '', from: mail.from });
}

/** The pages of this server, as an app like any other (web/pages/own-sign-in.ts). */
function ownClient(issuer: string) {
  return {
    client_id: OWN_CLIENT_ID,
    client_name: 'Strata',
    token_endpoint_auth_method: 'none' as const,
    redirect_uris: [`${issuer}/signed-in`],
    response_types: ['none' as const],
    grant_types: [],
    platforms: ['web'],
    first_party: true,
    scope: 'openid',
  };
}

function deviceNameOf(
  ctx: { get(name: string): string },
  client: ClientRecord,
): { name: string; os?: string } {
  const { name, os } = deviceNameFrom(ctx.get('user-agent'));
  const app = client.metadata.client_name ?? client.id;
  return { name: name === '' ? app : `${app}, ${name}`, ...(os !== undefined && { os }) };
}

function httpServer({ limits }: Config, handler: Parameters<typeof createHttpServer>[1]): Server {
  const server = createHttpServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeout,
      requestTimeout: limits.requestTimeout,
      // Node looks for connections past their time every 30 s, which would add as much to any of them.
      connectionsCheckingInterval: Math.min(limits.headersTimeout, limits.requestTimeout) / 2,
    },
    handler,
  );
  server.maxConnections = limits.connectionsMax;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
}

function listen(server: Server, { listen: { host, port } }: Config): Promise<number> {
  const listening = Promise.withResolvers<number>();
  server.once('error', listening.reject);
  server.listen(port, host, () => {
    server.off('error', listening.reject);
    // A TCP server that listens has an address with a port.
    listening.resolve((server.address() as AddressInfo).port);
  });
  return listening.promise;
}

/** Idle connections close at once, running requests may end, and what is left after the grace is cut. */
async function stopListening(server: Server, graceMs: number): Promise<void> {
  if (!server.listening) return;

  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // Connections whose answer ends now are idle only then.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}

function report(log: Log): (error: unknown) => void {
  return (error) => log.error({ err: error }, 'background work failed; it is tried again');
}
