// The map_token grant: a screen that a phone has let in redeems its QR transaction. What it shows is the
// transaction's poll secret, never the QR code, and only the app that opened the transaction can use it: it
// proves the PKCE verifier whose challenge it gave at the start.
import type { Provider } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { defaultPlatform } from '../clients/client.ts';
import type { ClientRegistry } from '../clients/client-registry.ts';
import { newSessionId } from '../core/ids.ts';
import { digest } from '../core/secrets.ts';
import type { QrDeps } from '../qr/arrow.ts';
import type { Pacing } from '../qr/pacing.ts';
import type { Approval, Redemption } from '../qr/redeeming.ts';
import { prepareRedemption } from '../qr/redeeming.ts';
import type { QrRefusal } from '../qr/refusal.ts';
import type { ChainToken } from '../sessions/device-session.ts';
import { repeatRedemption } from './device-code.ts';
import { installationOf, knownInstallation } from './installation.ts';
import type { DpopProof, GrantContext } from './issuing.ts';
import {
  answerWithTokens,
  chainKey,
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

export interface MapTokenDeps extends RedemptionDeps {
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
    const dPoP = await validatedProof(provider, ctx);
    const redemption = await prepareRedemption(deps.qr, {
      clientId,
      proof: { kind: 'secret', secret, binding: { kind: 'pkce', verifier } },
      knowsAccount: () => false,
      ...confirmation(ctx),
    });
    if (redemption.kind === 'refused') return refuse(deps, secret, redemption.refusal);

    const redeemed =
      redemption.kind === 'repeat'
        ? await repeated(deps, redemption)
        : await redeemApproval(deps, ctx, { redemption, dPoP });
    const account = await requireAccount(provider, ctx, redeemed.session.accountId ?? '');
    await spendProof(provider, ctx, dPoP);
    await answerWithTokens(provider, ctx, { ...redeemed, account, dPoP });
  };
}

type Opened = Redeemed & { token: ChainToken; grant: SessionPlan['grant'] };

/** One commit: approved → redeemed, the session, its first chain. The loser of a race hears the winner's. */
async function redeemApproval(
  deps: MapTokenDeps,
  ctx: GrantContext,
  step: { redemption: Extract<Redemption, { kind: 'ready' }>; dPoP: DpopProof | undefined },
): Promise<Opened> {
  const { approval } = step.redemption;
  const plan = await planFor(deps, ctx, approval);
  const token = tokenFor(ctx, approval, step.dPoP);
  const outcome = await redeem(
    deps,
    plan,
    { clientId: approval.clientId, ...(mayRefresh(ctx) && { chainToken: token }) },
    ({ sessionId, appNumber, chainNumber = '' }) => [
      step.redemption.write({ sessionId, app: appNumber, chain: chainNumber }),
    ],
  );
  switch (outcome.kind) {
    case 'redeemed':
      deps.qr.waiters.notify(approval.transactionId);
      return { ...outcome, token, grant: plan.grant };
    case 'lost':
      return raced(deps, ctx);
    case 'ended':
    case 'too_late':
      throw new errors.AccessDenied('everything of the account was ended since it approved');
  }
}

/** Somebody moved the transaction first: the same app's other request, or the grantor who undid it. */
async function raced(deps: MapTokenDeps, ctx: GrantContext): Promise<Opened> {
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
  return repeated(deps, again);
}

async function repeated(
  deps: MapTokenDeps,
  { redeemed }: Extract<Redemption, { kind: 'repeat' }>,
): Promise<Opened> {
  const { sessionId, app: appNumber = '', chain: chainNumber = '' } = redeemed;
  const again = await repeatRedemption(deps, {
    consumedAt: redeemed.at,
    redeemed: { sessionId, appNumber, chainNumber },
  });
  const app = again.session.apps[appNumber];
  const token = app?.chains[chainNumber]?.token;
  if (!app || !token) throw new errors.InvalidGrant('the transaction was redeemed');
  return { ...again, token, grant: app.grant };
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
