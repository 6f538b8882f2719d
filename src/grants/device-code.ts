// The device grant (RFC 8628) for TVs and command lines. The device polls; once a person has approved, the
// code is consumed in the commit that starts the device's own session. Whoever asks again within 30 s of
// that hears the same first refresh token, as long as none of the chain was shown yet.
import type { DeviceCode, Provider } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Pacing } from '../qr/pacing.ts';
import type { ChainToken } from '../sessions/device-session.ts';
import { deviceSessions } from '../sessions/device-session.ts';
import { isUntouched } from '../sessions/refresh-chain.ts';
import { tokenFacts } from './authorization-code.ts';
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
import type { DeviceCodeRecord, SessionPlan } from './one-time-codes.ts';
import { codeId, consumingWrites, deviceCodes } from './one-time-codes.ts';
import type { Redeemed, RedemptionDeps } from './redemption.ts';
import { firstRefreshToken, redeem } from './redemption.ts';
import { SessionEnded } from './refusals.ts';

export const deviceCodeParameters = ['device_code', 'installation_id'];

export interface DeviceCodeDeps extends RedemptionDeps, DraftingDeps {
  pacing: Pacing;
}

/** How long a device whose answer was lost may ask again. */
export const REPEAT_MS = 30_000;

type ApprovedCode = DeviceCodeRecord & { plan: SessionPlan };

export function deviceCodeGrant(provider: Provider, deps: DeviceCodeDeps) {
  return async function deviceCode(ctx: GrantContext): Promise<void> {
    const id = codeId('DeviceCode', requiredParameter(ctx, 'device_code'));
    const installation = installationOf(ctx.oidc.params);
    const dPoP = await validatedProof(provider, ctx);
    const record = await deps.store.get(deviceCodes, id);

    if (!record) throw new errors.ExpiredToken('the device code is unknown or has expired');
    if (record.clientId !== ctx.oidc.client.clientId) throw new errors.InvalidGrant('client mismatch');
    if (!isApproved(record) || hasLapsed(deps, record)) return refuse(deps, id, record);

    // The engine stored its own model as the payload.
    const code = record.payload as Partial<DeviceCode>;
    const account = await requireAccount(provider, ctx, code.accountId ?? '');
    await spendProof(provider, ctx, dPoP);
    const token: ChainToken = { ...tokenFacts(code), gty: 'device_code', ...chainKey(ctx, dPoP) };
    const { grant } = record.plan;
    const drafted = await draftTokens(provider, ctx, deps, { account, token, grant, dPoP });
    const redeemed =
      record.consumedAt === undefined
        ? await redeemDeviceCode(deps, { id, record, installation, dPoP, ...(mayRefresh(ctx) && { token }) })
        : await repeatRedemption(deps, record, dPoP);

    await answerWithTokens(provider, ctx, drafted, redeemed);
  };
}

function isApproved(record: DeviceCodeRecord): record is ApprovedCode {
  return record.decision === 'approved' && record.plan !== undefined;
}

/** An approval does not prolong the code; one that was redeemed in time may still be heard again. */
function hasLapsed(deps: DeviceCodeDeps, record: DeviceCodeRecord): boolean {
  return record.consumedAt === undefined && expirySeconds(record) * 1000 <= deps.clock.now();
}

function refuse(deps: DeviceCodeDeps, id: string, record: DeviceCodeRecord): never {
  if (record.decision === 'denied') throw new errors.AccessDenied('the person at the other screen refused');
  if (hasLapsed(deps, record)) throw new errors.ExpiredToken('the device code has expired');
  if (!deps.pacing.poll(id).accepted) throw new errors.SlowDown();

  throw new errors.AuthorizationPending();
}

function expirySeconds(record: DeviceCodeRecord): number {
  return typeof record.payload.exp === 'number' ? record.payload.exp : 0;
}

async function redeemDeviceCode(
  deps: DeviceCodeDeps,
  code: {
    id: string;
    record: ApprovedCode;
    installation: string | undefined;
    dPoP: DpopProof | undefined;
    token?: ChainToken;
  },
): Promise<Redeemed> {
  const { clientId } = code.record;
  const plan = planWithInstallation(code.record.plan, clientId, code.installation);
  const outcome = await redeem(
    deps,
    plan,
    { clientId, ...(code.token && { chainToken: code.token }) },
    (opened) =>
      consumingWrites(deviceCodes, { id: code.id, clientId, plan }, { now: deps.clock.now(), opened }),
  );
  switch (outcome.kind) {
    case 'redeemed':
      return outcome;
    case 'ended':
      throw new SessionEnded(outcome.end.reason);
    case 'too_late':
      throw new errors.AccessDenied('everything of the account was ended since it approved');
    case 'lost': {
      const winner = outcome.failed.index === 0 ? await deps.store.get(deviceCodes, code.id) : undefined;
      if (!winner) throw new errors.InvalidGrant('the device code was consumed');
      return repeatRedemption(deps, winner, code.dPoP);
    }
  }
}

/** The answer once more: the same session and the same refresh token, nothing written. */
export async function repeatRedemption(
  deps: RedemptionDeps,
  record: Pick<DeviceCodeRecord, 'consumedAt' | 'redeemed'>,
  dPoP: DpopProof | undefined,
): Promise<Redeemed> {
  const { redeemed, consumedAt = 0 } = record;
  const session = redeemed && (await deps.store.get(deviceSessions, redeemed.sessionId));
  const chain = redeemed && session?.apps[redeemed.appNumber]?.chains[redeemed.chainNumber ?? ''];
  const inTime = deps.clock.now() - consumedAt < REPEAT_MS;
  if (!redeemed || !session || !chain || !inTime || session.state !== 'live' || !isUntouched(chain)) {
    throw new errors.InvalidGrant('the code was consumed');
  }
  // What was bound to a key at the redemption is not told again without it.
  if (chain.token.jkt !== undefined && chain.token.jkt !== dPoP?.thumbprint) {
    throw new errors.InvalidGrant('the DPoP proof is missing or of another key');
  }
  return {
    session,
    appNumber: redeemed.appNumber,
    refreshToken: firstRefreshToken(deps, redeemed, chain.salt),
  };
}
