// Issuing: what every grant does once it knows for whom and for what. The engine makes and signs the tokens.
// First they are drafted, which may be refused; then comes the commit that redeems what was shown and starts
// or joins the session; then they are signed, which is not refused any more.
import type {
  AccessToken,
  Account as EngineAccount,
  Grant,
  Provider,
  TokenEndpointGrantContext,
} from 'oidc-provider';
import { errors } from 'oidc-provider';
import * as engine from 'oidc-provider/lib/helpers/grants.js';
import type { AppGrant, ChainToken, DeviceSession } from '../sessions/device-session.ts';
import { grantIdOf } from '../sessions/device-session.ts';
import { requestState } from './request-state.ts';

export type GrantContext = TokenEndpointGrantContext<Record<string, unknown>>;

/** The proof of a DPoP key that came with the request (RFC 9449). */
export type DpopProof = engine.DPoPValidationResult;

/** What the tokens will be, before it is known in which session. */
export interface TokenRequest {
  account: EngineAccount;
  /** What the tokens say beside the session: scope, resource, nonce, and how the account proved itself. */
  token: ChainToken;
  grant: AppGrant;
  dPoP?: DpopProof | undefined;
  /** A subset of what was granted, where the request asks for less. */
  scopes?: Set<string>;
}

export interface DraftedTokens extends TokenRequest {
  engineGrant: Grant;
  accessToken: AccessToken;
}

/** Where the tokens belong, once that is committed. */
export interface Issued {
  session: DeviceSession;
  appNumber: string;
  refreshToken?: string | undefined;
}

export interface DraftingDeps {
  /** The claims that the API of this audience is told about the account; may ask the operator's hook. */
  claimsForApi(ctx: GrantContext, audience: string): Promise<Record<string, unknown>>;
}

/**
 * Everything about the tokens that may be refused, for a resource that was not granted or a claims hook that
 * does not answer. It comes before the redemption, so that no refusal costs the code.
 */
export async function draftTokens(
  provider: Provider,
  ctx: GrantContext,
  deps: DraftingDeps,
  request: TokenRequest,
): Promise<DraftedTokens> {
  const engineGrant = newEngineGrant(provider, ctx, request);
  ctx.oidc.entity('Grant', engineGrant);
  ctx.oidc.entity('Account', request.account);

  const accessToken = await newAccessToken(provider, ctx, { ...request, engineGrant });
  if (typeof accessToken.aud === 'string') {
    requestState(ctx).apiClaims = await deps.claimsForApi(ctx, accessToken.aud);
  }
  return { ...request, engineGrant, accessToken };
}

/** Answers the request with an access token and, as far as asked for, an ID token and a refresh token. */
export async function answerWithTokens(
  provider: Provider,
  ctx: GrantContext,
  drafted: DraftedTokens,
  issued: Issued,
): Promise<void> {
  const { accessToken, engineGrant } = drafted;
  const { session, appNumber } = issued;
  const grantId = grantIdOf(session.id, appNumber);
  requestState(ctx).deviceSession = session;
  Object.assign(engineGrant, { jti: grantId });
  Object.assign(accessToken, { grantId, sid: session.id });

  ctx.oidc.entity('AccessToken', accessToken);
  const value = await accessToken.save();
  const idToken = await newIdToken(provider, ctx, drafted, session.id);

  ctx.body = engine.buildTokenResponse(provider, {
    accessToken: value,
    expiresIn: accessToken.expiration,
    idToken,
    refreshToken: issued.refreshToken,
    scope: accessToken.scope || undefined,
    tokenType: accessToken.tokenType,
  });
}

/** The proof of possession that came with the request, checked but not yet spent. */
export async function validatedProof(provider: Provider, ctx: GrantContext): Promise<DpopProof | undefined> {
  const dPoP = await engine.validateDpop(provider, ctx);
  engine.checkDpopRequired(provider, ctx, dPoP);
  return dPoP;
}

/** Spends the proof: a second request with the same one is refused. */
export async function spendProof(
  provider: Provider,
  ctx: GrantContext,
  dPoP: DpopProof | undefined,
): Promise<void> {
  await engine.checkDpopReplay(provider, ctx, dPoP, ctx.oidc.client.clientId, errors.InvalidGrant);
}

/** The account, or `invalid_grant` where it is gone or locked. */
export async function requireAccount(
  provider: Provider,
  ctx: GrantContext,
  accountId: string,
): Promise<EngineAccount> {
  const account = await engine.findAccount(provider, ctx, accountId);
  if (!account) throw new errors.InvalidGrant('the account is not available');

  return account;
}

export function mayRefresh(ctx: GrantContext): boolean {
  return ctx.oidc.client.grantTypeAllowed('refresh_token');
}

/** A public client's chain is bound to the key it proves; a confidential one authenticates anyway. */
export function chainKey(ctx: GrantContext, dPoP: DpopProof | undefined): { jkt?: string } {
  const isPublic = ctx.oidc.client.clientAuthMethod === 'none';
  return dPoP && isPublic ? { jkt: dPoP.thumbprint } : {};
}

export function requiredParameter(ctx: GrantContext, name: string): string {
  const value = ctx.oidc.params[name];
  if (typeof value !== 'string' || value === '') {
    throw new errors.InvalidRequest(`missing required parameter '${name}'`);
  }
  return value;
}

function newEngineGrant(provider: Provider, ctx: GrantContext, { account, grant }: TokenRequest): Grant {
  const { clientId } = ctx.oidc.client;
  const model = new provider.Grant({ accountId: account.accountId, clientId });
  return Object.assign(model, {
    openid: { scope: grant.openid, ...(grant.claims && { claims: grant.claims }) },
    resources: grant.resources,
  });
}

async function newAccessToken(
  provider: Provider,
  ctx: GrantContext,
  request: TokenRequest & { engineGrant: Grant },
): Promise<AccessToken> {
  const { account, token, dPoP } = request;
  const model = new provider.AccessToken({
    accountId: account.accountId,
    client: ctx.oidc.client,
    gty: token.gty,
    // Known after the commit; the engine asks for it when the token is saved.
    grantId: '',
  });
  if (dPoP) model.setThumbprint('jkt', dPoP.thumbprint);

  const source = {
    scopes: new Set(token.scope?.split(' ')),
    resourceIndicators: resourcesOf(token),
    resource: token.resource,
    claims: token.claims,
  };
  await engine.resolveAndApplyResource(provider, ctx, source, model, request.engineGrant, request.scopes);
  return model;
}

async function newIdToken(
  provider: Provider,
  ctx: GrantContext,
  drafted: DraftedTokens,
  sessionId: string,
): Promise<string | undefined> {
  const { account, token, accessToken, engineGrant } = drafted;
  const scopes = drafted.scopes ?? new Set(token.scope?.split(' '));
  if (!scopes.has('openid')) return undefined;

  const claims = await account.claims('id_token', [...scopes].join(' '), {}, []);
  const idToken = new provider.IdToken(
    { ...claims, sub: account.accountId, acr: token.acr, amr: token.amr, auth_time: token.authTime },
    { ctx },
  );
  Object.assign(idToken, {
    // Claims are at userinfo where the access token opens it (OpenID Connect Core §5.4), in here otherwise.
    scope: accessToken.aud ? engineGrant.getOIDCScopeFiltered(scopes) : 'openid',
    mask: { auth_time: null, acr: null, amr: null },
  });
  idToken.set('nonce', token.nonce);
  idToken.set('sid', sessionId);
  return idToken.issue({ use: 'idtoken' });
}

function resourcesOf(token: ChainToken): Set<string> {
  return new Set(typeof token.resource === 'string' ? [token.resource] : token.resource);
}
