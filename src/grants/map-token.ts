// The map_token grant: a screen that a phone has let in redeems its QR transaction. What it shows is the
// transaction's poll secret, never the QR code, and only the app that opened the transaction can use it: it
// proves the PKCE verifier whose challenge it gave at the start.
import type { Provider } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { defaultPlatform, mayUseMapToken } from '../clients/client.ts';
import type { ClientRegistry } from '../clients/client-registry.ts';
import { newSessionId } from '../core/ids.ts';
import { digest } from '../core/secrets.ts';
import type { QrDeps } from '../qr/arrow.ts';
import type { Pacing } from '../qr/pacing.ts';
import type { Approval, Redemption } from '../qr/redeeming.ts';
import { prepareRedemption } from '../qr/redeeming.ts';
import type { QrRefusal } from '../qr/refusal.ts';
import { QR_TOPIC } from '../qr/waiting.ts';
import type { ChainToken } from '../sessions/device-session.ts';
import { repeatRedemption } from './device-code.ts';
import { installationOf, knownInstallation } from './installation.ts';
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
import type { SessionPlan } from './one-time-codes.ts';
import type { Redeemed, RedemptionDeps } from './redemption.ts';
import { redeem } from './redemption.ts';

export const mapTokenParameters = ['map_token', 'code_verifier', 'confirm', 'installation_id'];

export interface MapTokenDeps extends RedemptionDeps, DraftingDeps {
  qr: QrDeps;
  pacing: Pacing;
  clients: ClientRegistry;
  /** The grant that this client gets for these scopes: within its registration and the platform's ceiling. */
  grantFor(ask: {
    clientId: string;
    platform: string;
    scope: string;
    resource: readonly string[];
  }): Promise<SessionPlan['grant']>;
}

export function mapTokenGrant(provider: Provider, deps: MapTokenDeps) {
  return async function mapToken(ctx: GrantContext): Promise<void> {
    const secret = requiredParameter(ctx, 'map_token');
    const verifier = requiredParameter(ctx, 'code_verifier');
    const { clientId } = ctx.oidc.client;
    await requireOwnApp(deps, clientId);
    const dPoP = await validatedProof(provider, ctx);
    const redemption = await prepareRedemption(deps.qr, {
      clientId,
      proof: { kind: 'secret', secret, binding: { kind: 'pkce', verifier } },
      knowsAccount: () => false,
      ...confirmation(ctx),
    });
    if (redemption.kind === 'refused') return refuse(deps, secret, redemption.refusal);

    if (redemption.kind === 'repeat') return answerAgain(provider, ctx, { deps, redemption, dPoP });

    await redeemApproval(provider, ctx, { deps, redemption, dPoP });
  };
}

/** The engine knows that the client has the grant; whose app it is may have changed since it opened. */
async function requireOwnApp(deps: MapTokenDeps, clientId: string): Promise<void> {
  const client = await deps.clients.find(clientId);
  if (!client || !mayUseMapToken(client)) {
    throw new errors.UnauthorizedClient('map_token is for first-party apps: nobody is asked for consent');
  }
}

/** One commit: approved → redeemed, the session, its first chain. The loser of a race hears the winner's. */
async function redeemApproval(
  provider: Provider,
  ctx: GrantContext,
  step: Step & { redemption: Extract<Redemption, { kind: 'ready' }> },
): Promise<void> {
  const { deps, redemption, dPoP } = step;
  const { approval } = redemption;
  const account = await requireAccount(provider, ctx, approval.accountId);
  const plan = await planFor(deps, ctx, approval);
  const token = tokenFor(ctx, approval, dPoP);
  await spendProof(provider, ctx, dPoP);
  const drafted = await draftTokens(provider, ctx, deps, { account, token, grant: plan.grant, dPoP });
  const outcome = await redeem(
    deps,
    plan,
    { clientId: approval.clientId, ...(mayRefresh(ctx) && { chainToken: token }) },
    ({ sessionId, appNumber, chainNumber = '' }) => [
      redemption.write({ sessionId, app: appNumber, chain: chainNumber }),
    ],
  );
  switch (outcome.kind) {
    case 'redeemed':
      deps.store.notify(QR_TOPIC, approval.transactionId);
      return answerWithTokens(provider, ctx, drafted, outcome);
    case 'lost':
      return answerWithTokens(provider, ctx, drafted, await racedRedemption(ctx, step));
    case 'ended':
    case 'too_late':
      throw new errors.AccessDenied('the account, or the phone that approved, was signed out since');
  }
}

interface Step {
  deps: MapTokenDeps;
  dPoP: DpopProof | undefined;
}

/** Somebody moved the transaction first: the same app's other request, or the grantor who undid it. */
async function racedRedemption(ctx: GrantContext, { deps, dPoP }: Step): Promise<Redeemed> {
  const again = await prepareRedemption(deps.qr, {
    clientId: ctx.oidc.client.clientId,
    proof: {
      kind: 'secret',
      secret: requiredParameter(ctx, 'map_token'),
      binding: { kind: 'pkce', verifier: requiredParameter(ctx, 'code_verifier') },
    },
    knowsAccount: () => false,
    ...confirmation(ctx),
  });
  if (again.kind !== 'repeat') throw new errors.AccessDenied('the approval was taken back');
  return repeated(deps, again, dPoP);
}

/** The answer once more, for an app that did not get it. */
async function answerAgain(
  provider: Provider,
  ctx: GrantContext,
  step: Step & { redemption: Extract<Redemption, { kind: 'repeat' }> },
): Promise<void> {
  const { deps, redemption, dPoP } = step;
  const again = await repeated(deps, redemption, dPoP);
  const app = again.session.apps[again.appNumber];
  const token = app?.chains[redemption.redeemed.chain ?? '']?.token;
  if (!app || !token) throw new errors.InvalidGrant('the transaction was redeemed');

  const account = await requireAccount(provider, ctx, again.session.accountId ?? '');
  await spendProof(provider, ctx, dPoP);
  const drafted = await draftTokens(provider, ctx, deps, { account, token, grant: app.grant, dPoP });
  await answerWithTokens(provider, ctx, drafted, again);
}

async function repeated(
  deps: MapTokenDeps,
  { redeemed }: Extract<Redemption, { kind: 'repeat' }>,
  dPoP: DpopProof | undefined,
): Promise<Redeemed> {
  const { sessionId, app: appNumber = '', chain: chainNumber = '' } = redeemed;
  const led = { consumedAt: redeemed.at, redeemed: { sessionId, appNumber, chainNumber } };
  return repeatRedemption(deps, led, dPoP);
}

async function planFor(deps: MapTokenDeps, ctx: GrantContext, approval: Approval): Promise<SessionPlan> {
  const client = await deps.clients.find(approval.clientId);
  if (!client) throw new errors.InvalidClient('the client is gone');

  const platform = defaultPlatform(client.metadata);
  const { requester, scope, resource } = approval;
  const known = installationOf(ctx.oidc.params);
  return {
    kind: 'start',
    grant: await deps.grantFor({ clientId: approval.clientId, platform, scope, resource }),
    pending: {
      id: newSessionId(),
      accountId: approval.accountId,
      platform,
      device: {
        name:
          [requester.browser, requester.os].filter(Boolean).join(', ') || (client.metadata.client_name ?? ''),
        ...(known !== undefined && { installationId: known }),
      },
      auth: approval.auth,
      authenticatedAt: approval.approvedAt,
      startedBy: { how: 'qr', sessionId: approval.grantorSessionId },
      ...knownInstallation(approval.clientId, known),
    },
  };
}

function tokenFor(ctx: GrantContext, approval: Approval, dPoP: DpopProof | undefined): ChainToken {
  const { auth, scope, resource } = approval;
  return {
    scope,
    ...(resource.length > 0 && { resource: [...resource] }),
    acr: auth.acr,
    amr: auth.amr,
    authTime: auth.time,
    gty: 'map_token',
    ...chainKey(ctx, dPoP),
  };
}

function confirmation(ctx: GrantContext): { confirm?: string } {
  const { confirm } = ctx.oidc.params;
  return typeof confirm === 'string' ? { confirm } : {};
}

/** RFC 8628 §3.5 has the codes; this grant speaks the same. */
function refuse(deps: MapTokenDeps, secret: string, refusal: QrRefusal): never {
  switch (refusal.code) {
    case 'authorization_pending':
      if (!deps.pacing.poll(digest('map_token', secret)).accepted) throw new errors.SlowDown();
      throw new errors.AuthorizationPending();
    case 'expired_token':
      throw new errors.ExpiredToken('the QR code was not approved in time');
    case 'access_denied':
      throw new errors.AccessDenied('the person with the phone refused');
    case 'confirmation_required':
      throw new errors.CustomOIDCProviderError(
        'confirmation_required',
        'ask the person whether to continue with this account, then send confirm',
      );
    default:
      throw new errors.InvalidGrant(`map_token: ${refusal.code}`);
  }
}
