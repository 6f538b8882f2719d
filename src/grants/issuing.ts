// Issuing: what every grant does once it knows for whom, in which session and for what. The engine makes
// and signs the tokens; the session they belong to is already committed.
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

export interface TokenRequest {
  session: DeviceSession;
  appNumber: string;
  account: EngineAccount;
  /** What the tokens say beside the session: scope, resource, nonce, and how the account proved itself. */
  token: ChainToken;
  grant: AppGrant;
  dPoP?: DpopProof | undefined;
  refreshToken?: string | undefined;
  /** A subset of what was granted, where the request asks for less. */
  scopes?: Set<string>;
  parameters?: Record<string, unknown>;
}

/** Answers the request with an access token and, as far as asked for, an ID token and a refresh token. */
export async function answerWithTokens(
  provider: Provider,
  ctx: GrantContext,
  request: TokenRequest,
): Promise<void> {
  const { session, account } = request;
  const grant = engineGrant(provider, ctx.oidc.client.clientId, request);
  requestState(ctx).deviceSession = session;
  ctx.oidc.entity('Grant', grant);
  ctx.oidc.entity('Account', account);

  const accessToken = await newAccessToken(provider, ctx, { ...request, engineGrant: grant });
  ctx.oidc.entity('AccessToken', accessToken);
  const value = await accessToken.save();
  const idToken = await newIdToken(provider, ctx, { ...request, engineGrant: grant, accessToken });

  ctx.body = engine.buildTokenResponse(provider, {
    accessToken: value,
    expiresIn: accessToken.expiration,
    idToken,
    refreshToken: request.refreshToken,
    scope: accessToken.scope || undefined,
    tokenType: accessToken.tokenType,
    ...(request.parameters && { parameters: request.parameters }),
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

function engineGrant(provider: Provider, clientId: string, request: TokenRequest): Grant {
  const { grant, session, appNumber } = request;
  const engineModel = new provider.Grant({ accountId: request.account.accountId, clientId });
  return Object.assign(engineModel, {
    jti: grantIdOf(session.id, appNumber),
    openid: { scope: grant.openid, ...(grant.claims && { claims: grant.claims }) },
    resources: grant.resources,
  });
}

type Issue = TokenRequest & { engineGrant: Grant };

async function newAccessToken(provider: Provider, ctx: GrantContext, issue: Issue): Promise<AccessToken> {
  const token = new provider.AccessToken({
    accountId: issue.account.accountId,
    client: ctx.oidc.client,
    grantId: issue.engineGrant.jti,
    gty: issue.token.gty,
    sid: issue.session.id,
  });
  if (issue.dPoP) token.setThumbprint('jkt', issue.dPoP.thumbprint);

  const source = {
    scopes: new Set(issue.token.scope?.split(' ')),
    resourceIndicators: resourcesOf(issue.token),
    resource: issue.token.resource,
    claims: issue.token.claims,
  };
  await engine.resolveAndApplyResource(provider, ctx, source, token, issue.engineGrant, issue.scopes);
  return token;
}

async function newIdToken(
  provider: Provider,
  ctx: GrantContext,
  issue: Issue & { accessToken: AccessToken },
): Promise<string | undefined> {
  const scopes = issue.scopes ?? new Set(issue.token.scope?.split(' '));
  if (!scopes.has('openid')) return undefined;

  const { account, token } = issue;
  const claims = await account.claims('id_token', [...scopes].join(' '), {}, []);
  const idToken = new provider.IdToken(
    { ...claims, sub: account.accountId, acr: token.acr, amr: token.amr, auth_time: token.authTime },
    { ctx },
  );
  Object.assign(idToken, {
    // Claims are at userinfo where the access token opens it (OpenID Connect Core §5.4), in here otherwise.
    scope: issue.accessToken.aud ? issue.engineGrant.getOIDCScopeFiltered(scopes) : 'openid',
    mask: { auth_time: null, acr: null, amr: null },
  });
  idToken.set('nonce', token.nonce);
  idToken.set('sid', issue.session.id);
  return idToken.issue({ use: 'idtoken' });
}

function resourcesOf(token: ChainToken): Set<string> {
  return new Set(typeof token.resource === 'string' ? [token.resource] : token.resource);
}
