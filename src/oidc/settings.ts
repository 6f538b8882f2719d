// The engine's configuration: OAuth 2.1 as RFC 9700 asks for it. What the engine would otherwise leave on by
// default is said here, one line each.
import type { Client, Configuration, KoaContextWithOIDC } from 'oidc-provider';
import { ownClientMembers } from '../clients/client.ts';
import type { ClientRegistry } from '../clients/client-registry.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import { openidScopes } from '../grants/granted-scopes.ts';
import { checkInstallation } from '../grants/installation.ts';
import type { Keyring } from '../keys/keyring.ts';
import { signingKeys } from '../keys/signing-key.ts';
import { claimsByScope } from './account-claims.ts';
import { refuseForgottenAssertion, requiresNonce } from './after-restore.ts';
import { cookieSigner } from './cookie-signer.ts';
import type { EnginePages } from './engine-pages.ts';
import { Es256Signer } from './es256-signer.ts';
import { strataInteractionPolicy } from './interaction-policy.ts';
import { lengthChecks } from './parameter-lengths.ts';

export type EngineCallbacks = Required<
  Pick<Configuration, 'adapter' | 'extraTokenClaims' | 'findAccount' | 'loadExistingGrant' | 'ttl'>
> & {
  getResourceServerInfo: NonNullable<
    NonNullable<NonNullable<Configuration['features']>['resourceIndicators']>['getResourceServerInfo']
  >;
  introspectionPolicy: NonNullable<
    NonNullable<NonNullable<Configuration['features']>['introspection']>['allowedPolicy']
  >;
};

export interface SettingsDeps {
  config: Config;
  clock: Clock;
  keyring: Keyring;
  clients: ClientRegistry;
  /** See `AfterRestore`. */
  restoredAt: number | undefined;
  pages: EnginePages;
  callbacks: EngineCallbacks;
}

/** Names of the cookies, by where the server is reached. Plain names are for loopback http alone. */
export function cookieNames(issuer: string) {
  const secure = issuer.startsWith('https:');
  const host = secure ? '__Host-' : '';
  // The engine's interaction cookies have a path, which `__Host-` forbids.
  const pathScoped = secure ? '__Secure-' : '';
  return {
    session: `${host}strata_session`,
    native: `${host}strata_native`,
    browser: `${host}strata_browser`,
    language: `${host}strata_language`,
    interaction: `${pathScoped}strata_interaction`,
    resume: `${pathScoped}strata_resume`,
  };
}

export function engineSettings(deps: SettingsDeps): Configuration {
  const { getResourceServerInfo: _lookup, introspectionPolicy: _policy, ...direct } = deps.callbacks;
  return {
    ...direct,
    acrValues: [],
    ...clientSettings(),
    allowOmittingSingleRegisteredRedirectUri: false,
    assertJwtClientAuthClaimsAndHeader: async (_ctx, claims) => refuseForgottenAssertion(deps, claims),
    claims: claimsByScope,
    clientBasedCORS,
    cookies: cookieSettings(deps),
    expiresWithSession: () => false,
    extraParams: { ...lengthChecks, installation_id: checkInstallationParameter, platform: null },
    features: features(deps),
    interactions: {
      policy: strataInteractionPolicy(),
      url: (_ctx, interaction) => `/interaction/${interaction.uid}`,
    },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    jwks: { keys: signingKeys(deps.keyring).map((jwk) => new Es256Signer(jwk)) },
    pkce: { required: requiresPkce },
    renderError: (ctx, out) => renderError(deps.pages, ctx, out),
    // What ends an app says so itself (adapters/refresh-tokens.ts); revoking one access token ends none.
    revokeGrantPolicy: () => false,
    routes: protocolPaths,
    scopes: [...openidScopes],
  };
}

/** What the engine judges the metadata of clients by (client-rules.ts). */
export function clientSettings() {
  return {
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    enabledJWA: signingAlgorithms(),
    extraClientMetadata: { properties: [...ownClientMembers] },
    responseTypes: ['code', 'none'],
    subjectTypes: ['public'],
  } satisfies Configuration;
}

/** Paths of the protocol: the engine's, and none of ours. */
export const protocolPaths = {
  authorization: '/authorize',
  token: '/token',
  userinfo: '/userinfo',
  jwks: '/jwks',
  revocation: '/revoke',
  introspection: '/introspect',
  end_session: '/logout',
  code_verification: '/device',
  device_authorization: '/device/authorize',
  pushed_authorization_request: '/par',
};

function features(deps: SettingsDeps): Configuration['features'] {
  const { clock, keyring, pages, callbacks } = deps;
  return {
    backchannelLogout: { enabled: false },
    claimsParameter: { enabled: false },
    clientCredentials: { enabled: true },
    dPoP: {
      enabled: true,
      nonceSecret: keyring.current('dpop').bytes,
      requireNonce: () => requiresNonce(deps),
    },
    devInteractions: { enabled: false },
    deviceFlow: deviceFlow(pages, clock),
    externalSigningSupport: { enabled: true, ack: 'experimental-01' },
    introspection: { enabled: true, allowedPolicy: callbacks.introspectionPolicy },
    pushedAuthorizationRequests: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: callbacks.getResourceServerInfo,
      useGrantedResource: () => false,
    },
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx) => pages.signOut(ctx, { xsrf: xsrfOf(ctx) }),
      postLogoutSuccessSource: (ctx) => pages.signedOut(ctx),
    },
    userinfo: { enabled: true },
  };
}

function deviceFlow(pages: EnginePages, clock: Clock) {
  return {
    enabled: true,
    charset: 'base-20' as const,
    mask: '****-****',
    deviceInfo: (ctx: KoaContextWithOIDC) => ({
      userAgent: ctx.get('user-agent').slice(0, 256),
      startedAt: clock.now(),
    }),
    userCodeInputSource: (ctx: KoaContextWithOIDC, _form: string, out?: object, error?: Error) =>
      askForUserCode(pages, ctx, { out, error }),
    userCodeConfirmSource: (
      ctx: KoaContextWithOIDC,
      _form: string,
      client: Client,
      deviceInfo: Record<string, unknown>,
      userCode: string,
    ) => pages.userCodeConfirm(ctx, { xsrf: xsrfOf(ctx), userCode, client, deviceInfo }),
    successSource: (ctx: KoaContextWithOIDC) => pages.deviceDone(ctx),
  };
}

/** A visitor without a session who posted something is sent to the start, where there is one. */
function askForUserCode(
  pages: EnginePages,
  ctx: KoaContextWithOIDC,
  failed: { out?: object | undefined; error?: Error | undefined },
): void {
  const { error } = failed;
  if (error && isUnsaved(ctx.oidc.session)) {
    ctx.status = 303;
    ctx.redirect(ctx.oidc.urlFor('code_verification'));
    return;
  }
  // The engine's errors of this page carry the code that was typed.
  const { userCode } = (error ?? {}) as { userCode?: string };
  pages.userCodeInput(ctx, {
    xsrf: xsrfOf(ctx),
    ...(error && { error: error.name }),
    ...(userCode !== undefined && { userCode }),
  });
}

function isUnsaved(session: object | undefined): boolean {
  return session !== undefined && 'new' in session && session.new === true;
}

/** The engine's own CSRF value of its pages. */
function xsrfOf(ctx: KoaContextWithOIDC): string {
  const { state } = (ctx.oidc.session ?? {}) as { state?: { secret?: string } };
  return state?.secret ?? '';
}

function cookieSettings({ config, keyring }: SettingsDeps): Configuration['cookies'] {
  const { session, interaction, resume } = cookieNames(config.issuer);
  const secure = config.issuer.startsWith('https:');
  const common = { httpOnly: true, sameSite: 'lax', secure, signed: true } as const;
  return {
    names: { session, interaction, resume },
    keys: cookieSigner(keyring),
    long: common,
    short: common,
  };
}

function checkInstallationParameter(_ctx: KoaContextWithOIDC, value: string | undefined): void {
  if (value !== undefined) checkInstallation(value);
}

/** RFC 7636 for everybody; an operator may waive it for a confidential web client that cannot. */
function requiresPkce(_ctx: KoaContextWithOIDC, client: Client): boolean {
  const waived = client.require_pkce === false;
  return !(waived && client.clientAuthMethod !== 'none');
}

/** A browser app may call the token endpoint from where it is redirected to, and from nowhere else. */
function clientBasedCORS(_ctx: KoaContextWithOIDC, origin: string, client: Client): boolean {
  // The origin of sandboxed frames and of `app:/…` addresses alike: it tells nobody apart.
  if (origin === 'null') return false;

  const listed = Array.isArray(client.allowed_origins) ? client.allowed_origins : [];
  return (
    listed.includes(origin) || (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin)
  );
}

const machineRoutes = new Set([
  'token',
  'introspection',
  'revocation',
  'userinfo',
  'device_authorization',
  'jwks',
  'discovery',
  'pushed_authorization_request',
]);

/** Endpoints for programs answer JSON whatever they say they accept. */
function renderError(
  pages: EnginePages,
  ctx: KoaContextWithOIDC,
  out: { error: string; error_description?: string | undefined },
): void {
  if (machineRoutes.has(ctx.oidc?.route ?? '')) {
    ctx.type = 'json';
    ctx.body = out;
    return;
  }
  pages.error(ctx, out);
}

function signingAlgorithms() {
  return {
    idTokenSigningAlgValues: ['ES256'],
    clientAuthSigningAlgValues: ['ES256', 'PS256', 'RS256', 'EdDSA', 'Ed25519'],
    dPoPSigningAlgValues: ['ES256', 'EdDSA', 'Ed25519', 'PS256'],
    userinfoSigningAlgValues: ['ES256'],
    introspectionSigningAlgValues: ['ES256'],
  } satisfies Configuration['enabledJWA'];
}
