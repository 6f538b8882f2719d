// The APIs that tokens are issued for: those of the configuration and the server's own. A token has one
// audience, and its claims are what the table of that API names, plus what the claims hook adds.
import type { KoaContextWithOIDC, ResourceServer } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { accountValue, isAccountPath } from '../accounts/account-value.ts';
import type { ClaimsHook } from '../accounts/claims-hook.ts';
import type { ApiSettings } from '../config/apis.ts';
import type { Config } from '../config/schema.ts';
import { Overloaded } from '../grants/refusals.ts';
import { requestState } from '../grants/request-state.ts';
import { parseGrantId } from '../sessions/device-session.ts';

/** Scopes of the server's own API, `<issuer>/api`. */
export const ownApiScopes = {
  'qr:approve': 'Let another device sign in by scanning its code',
  'sessions:read': 'See where you are signed in',
  'sessions:end': 'Sign out your other devices',
} as const;

export interface ApiTable {
  find(identifier: string): ApiSettings | undefined;
  all(): readonly ApiSettings[];
  /** Scopes of each API by its identifier. */
  scopes: ReadonlyMap<string, readonly string[]>;
}

/** The audience of tokens for the API that the playground calls. */
export function playgroundApi(issuer: string): string {
  return `${issuer}/playground/api`;
}

export function apiTable({ issuer, apis: configured, playground }: Config): ApiTable {
  const own: ApiSettings = {
    identifier: ownApi(issuer),
    name: 'Strata',
    scopes: ownApiScopes,
    tokenFormat: 'jwt',
    claims: {},
  };
  const demo: ApiSettings = {
    identifier: playgroundApi(issuer),
    name: 'Demo API',
    scopes: { hello: 'Say hello to you' },
    tokenFormat: 'jwt',
    claims: { roles: 'roles' },
  };
  const all = [...configured, own, ...(playground ? [demo] : [])];
  const table = new Map(all.map((api) => [api.identifier, api]));
  return {
    find: (identifier) => table.get(identifier),
    all: () => [...table.values()],
    scopes: new Map([...table.values()].map((api) => [api.identifier, Object.keys(api.scopes)])),
  };
}

/** The audience of tokens for the JSON API of this server. */
export function ownApi(issuer: string): string {
  return `${issuer}/api`;
}

/** The engine's `getResourceServerInfo`. */
export function resourceServerLookup(apis: ApiTable) {
  return function getResourceServerInfo(_ctx: KoaContextWithOIDC, identifier: string): ResourceServer {
    const api = apis.find(identifier);
    if (!api) throw new errors.InvalidTarget('there is no such resource here');

    return {
      audience: api.identifier,
      scope: Object.keys(api.scopes).join(' '),
      accessTokenFormat: api.tokenFormat,
      ...(api.tokenFormat === 'jwt' && { jwt: { sign: { alg: 'ES256' as const } } }),
    };
  };
}

/** The engine's `extraTokenClaims`: the session that a token belongs to, and what its API is told. */
export async function accessTokenClaims(
  ctx: KoaContextWithOIDC,
  token: object,
): Promise<Record<string, unknown> | undefined> {
  const { deviceSession: session, apiClaims } = requestState(ctx);
  if (!session) return undefined;

  // A member of both models of the engine (for API apps: engine-overrides.ts).
  const { grantId = '' } = token as { grantId?: string };
  return {
    ...apiClaims,
    sid: session.id,
    // Which app of the session: one that is opened again after its end is another app.
    app: parseGrantId(grantId)?.appNumber,
    platform: session.platform,
    ...(session.auth && { acr: session.auth.acr, amr: session.auth.amr, auth_time: session.auth.time }),
  };
}

/**
 * What an API is told about the account: the values that its table names. What the hook says comes first, so
 * that it can never replace what stands in the table.
 */
export function claimsForApi(apis: ApiTable, hook: ClaimsHook | undefined) {
  return async function claimsOfAccount(
    ctx: KoaContextWithOIDC,
    audience: string,
  ): Promise<Record<string, unknown>> {
    const { account } = requestState(ctx);
    const api = apis.find(audience);
    if (!api || !account) return {};

    const clientId = ctx.oidc.client?.clientId ?? '';
    const added = await hook?.claimsFor({ account, clientId, api: api.identifier });
    if (added?.kind === 'unavailable') throw new Overloaded(2);

    const named = Object.entries(api.claims).map(([claim, path]) => [
      claim,
      isAccountPath(path) ? accountValue(account, path) : undefined,
    ]);
    return { ...added?.claims, ...Object.fromEntries(named.filter(([, value]) => value !== undefined)) };
  };
}
