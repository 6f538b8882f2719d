// The authorization code grant (RFC 6749 §4.1.3, RFC 7636). The code is consumed in the commit that starts
// or joins its device session, so of any number of parallel requests one gets tokens and the others change
// nothing (I2). A replay that comes after the race is a theft and ends what the code opened (RFC 9700 §2.1.1).
import { createHash } from 'node:crypto';
import type { AuthorizationCode, Provider } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { equalSecrets } from '../core/secrets.ts';
import type { EndingDeps } from '../sessions/ending.ts';
import { endApp } from '../sessions/ending.ts';
import { installationOf, planWithInstallation } from './installation.ts';
import type { DpopProof, DraftingDeps, GrantContext } from './issuing.ts';
import {
  answerWithTokens,
  chainKey,
  draftTokens,
  mayRefresh,
  requireAccount,
  requiredParameter,
  spendProof,
  validatedProof,
} from './issuing.ts';
import type { OneTimeCode, SessionPlan } from './one-time-codes.ts';
import { authorizationCodes, codeId, consumingWrites, RACE_WINDOW_MS } from './one-time-codes.ts';
import type { Redeemed, RedemptionDeps } from './redemption.ts';
import { redeem } from './redemption.ts';
import { SessionEnded } from './refusals.ts';

export const authorizationCodeParameters = ['code', 'code_verifier', 'redirect_uri', 'installation_id'];

type CodeGrantDeps = RedemptionDeps & EndingDeps & DraftingDeps;

export function authorizationCodeGrant(provider: Provider, deps: CodeGrantDeps) {
  return async function authorizationCode(ctx: GrantContext): Promise<void> {
    const value = requiredParameter(ctx, 'code');
    const redirectUri = requiredParameter(ctx, 'redirect_uri');
    const installation = installationOf(ctx.oidc.params);
    const dPoP = await validatedProof(provider, ctx);
    const id = codeId('AuthorizationCode', value);
    const record = await deps.store.get(authorizationCodes, id);
    // The engine stored its own model as the payload.
    const code = record?.payload as Partial<AuthorizationCode> | undefined;

    if (!record?.plan || !code) throw new errors.InvalidGrant('authorization code not found');
    if (code.clientId !== ctx.oidc.client.clientId) throw new errors.InvalidGrant('client mismatch');
    if (code.exp === undefined || code.exp * 1000 <= deps.clock.now()) {
      throw new errors.InvalidGrant('authorization code is expired');
    }
    checkVerifier(code, ctx.oidc.params.code_verifier);
    if (code.redirectUri !== redirectUri) throw new errors.InvalidGrant('redirect_uri mismatch');
    checkProof(code, dPoP);
    if (record.consumedAt !== undefined) await refuseReplay(deps, record);

    const account = await requireAccount(provider, ctx, code.accountId ?? '');
    await spendProof(provider, ctx, dPoP);
    const chainToken = { ...tokenFacts(code), gty: 'authorization_code', ...chainKey(ctx, dPoP) };
    const { grant } = record.plan;
    const drafted = await draftTokens(provider, ctx, deps, { account, token: chainToken, grant, dPoP });
    const redeemed = await redeemCode(deps, {
      id,
      plan: planWithInstallation(record.plan, code.clientId, installation),
      clientId: ctx.oidc.client.clientId,
      ...(mayRefresh(ctx) && { chainToken }),
    });

    await answerWithTokens(provider, ctx, drafted, redeemed);
  };
}

/** A code that one client may redeem; throws `invalid_grant` for everybody but the one winner. */
async function redeemCode(
  deps: CodeGrantDeps,
  code: {
    id: string;
    plan: SessionPlan;
    clientId: string;
    chainToken?: Parameters<typeof redeem>[2]['chainToken'];
  },
): Promise<Redeemed> {
  const { plan } = code;
  const outcome = await redeem(
    deps,
    plan,
    { clientId: code.clientId, ...(code.chainToken && { chainToken: code.chainToken }) },
    (opened) => consumingWrites(authorizationCodes, code, { now: deps.clock.now(), opened }),
  );
  switch (outcome.kind) {
    case 'redeemed':
      return outcome;
    case 'lost':
      throw new errors.InvalidGrant(
        outcome.failed.index === 0 ? 'already consumed' : 'consent was withdrawn',
      );
    case 'ended':
      throw new SessionEnded(outcome.end.reason);
    case 'too_late':
      throw new errors.InvalidGrant('everything of the account was ended since it signed in');
  }
}

/** The browser's session came before the code and outlives it: nobody else has its cookie. */
async function refuseReplay(deps: CodeGrantDeps, record: OneTimeCode): Promise<never> {
  const raced = deps.clock.now() - (record.consumedAt ?? 0) < RACE_WINDOW_MS;
  const sessionStays = record.plan?.kind === 'join';
  if (!raced && record.redeemed) {
    await endApp(deps, { ...record.redeemed, sessionStays }, { reason: 'reuse', by: 'system' });
  }
  throw new errors.InvalidGrant('authorization code already consumed');
}

/** RFC 7636 §4.6. A code without a challenge takes no verifier either (RFC 9700 §4.8.2, downgrade). */
function checkVerifier(code: Partial<AuthorizationCode>, verifier: unknown): void {
  if (code.codeChallenge === undefined && verifier === undefined) return;

  const given = typeof verifier === 'string' && /^[\w.~-]{43,128}$/.test(verifier) ? verifier : undefined;
  const challenge = given && createHash('sha256').update(given).digest('base64url');
  if (!challenge || code.codeChallenge === undefined || !equalSecrets(challenge, code.codeChallenge)) {
    throw new errors.InvalidGrant('PKCE verification failed');
  }
}

/** RFC 9449 §10: a code that was asked for with a key is redeemed with that key. */
function checkProof(code: Partial<AuthorizationCode>, dPoP: DpopProof | undefined): void {
  if (code.dpopJkt !== undefined && code.dpopJkt !== dPoP?.thumbprint) {
    throw new errors.InvalidGrant('the DPoP proof is missing or of another key');
  }
}

/** What a code says about the tokens that will be issued for it. */
export function tokenFacts(
  code: Pick<
    Partial<AuthorizationCode>,
    'scope' | 'resource' | 'claims' | 'nonce' | 'acr' | 'amr' | 'authTime'
  >,
) {
  const { scope, resource, claims, nonce, acr, amr, authTime } = code;
  return {
    ...(scope !== undefined && { scope }),
    ...(resource !== undefined && { resource }),
    ...(claims !== undefined && { claims }),
    ...(nonce !== undefined && { nonce }),
    ...(acr !== undefined && { acr }),
    ...(amr !== undefined && { amr }),
    ...(authTime !== undefined && { authTime }),
  };
}
