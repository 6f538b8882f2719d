// Introspection and revocation of JWT access tokens (RFC 7662, RFC 7009). The engine authenticates the
// caller and then refuses a JWT, since it keeps none; the answer is ours. Introspection answers only whoever
// owns the token or is in its audience; to all others every token is inactive.

import type { Context, Next } from 'koa';
import type { Client, KoaContextWithOIDC, Provider } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { ClientRegistry } from '../clients/client-registry.ts';
import type { Clock } from '../core/clock.ts';
import { requestState } from '../grants/request-state.ts';
import { revokeToken } from '../sessions/revocations.ts';
import type { Store } from '../storage/store.ts';
import type { OwnTokens } from './own-tokens.ts';

export interface IntrospectionDeps {
  store: Store;
  clock: Clock;
  clients: ClientRegistry;
  tokens: OwnTokens;
}

/** Notes which requests the engine refused for their token alone; to be called once for each provider. */
export function noteStructuredTokens(provider: Provider): void {
  function note(ctx: KoaContextWithOIDC, error: Error): void {
    requestState(ctx).isStructuredToken = error instanceof errors.UnsupportedTokenType;
  }
  provider.on('introspection.error', note);
  provider.on('revocation.error', note);
}

export function structuredTokens(deps: IntrospectionDeps) {
  return async function structuredToken(ctx: Context, next: Next): Promise<void> {
    await next();
    const client = ctx.oidc?.client;
    if (!requestState(ctx).isStructuredToken || !client) return;

    const token = String(ctx.oidc.params?.token ?? '');
    const body = ctx.oidc.route === 'introspection' ? await introspect(deps, client, token) : '';
    if (ctx.oidc.route === 'revocation') await revoke(deps, client, token);
    ctx.status = 200;
    ctx.remove('content-type');
    ctx.body = body;
  };
}

/** The engine's `introspection.allowedPolicy`, for opaque tokens. */
export function introspectionPolicy(clients: ClientRegistry) {
  return async function allowedPolicy(
    _ctx: KoaContextWithOIDC,
    caller: Client,
    token: { clientId?: string | undefined; kind?: string; aud?: string | string[] | undefined },
  ): Promise<boolean> {
    if (token.clientId === caller.clientId) return true;
    // Refresh tokens are nobody's business but their client's.
    if (token.kind === 'RefreshToken') return false;

    return isAudience(clients, caller, token.aud);
  };
}

async function introspect(
  deps: IntrospectionDeps,
  caller: Client,
  token: string,
): Promise<Record<string, unknown>> {
  const judgement = await deps.tokens.judge(token);
  if (judgement.kind !== 'active') return { active: false };

  const { claims } = judgement;
  const allowed =
    claims.client_id === caller.clientId || (await isAudience(deps.clients, caller, claims.aud));
  if (!allowed) return { active: false };

  return { active: true, ...claims, token_type: claims.cnf?.jkt ? 'DPoP' : 'Bearer' };
}

async function revoke(deps: IntrospectionDeps, caller: Client, token: string): Promise<void> {
  const judgement = await deps.tokens.judge(token);
  if (judgement.kind !== 'active' || judgement.claims.client_id !== caller.clientId) return;

  const { jti, exp, sid } = judgement.claims;
  const end = { at: deps.clock.now(), reason: 'signed_out', by: sid } as const;
  await revokeToken(deps.store, { jti, expiresAt: exp * 1000 }, end);
}

/** Whether the caller is an API that the token is for: the operator says so on the client. */
async function isAudience(
  clients: ClientRegistry,
  caller: Client,
  audience: string | string[] | undefined,
): Promise<boolean> {
  const client = await clients.find(caller.clientId);
  const audiences = client?.metadata.audiences ?? [];
  return [audience].flat().some((each) => each !== undefined && audiences.includes(each));
}
