// Redeeming: the one commit in which a one-time secret is consumed, the device session starts or is joined,
// and its first refresh token comes to be. One caller wins; the others change nothing (I2).
import type { PlatformSettings } from '../config/platforms.ts';
import type { Clock } from '../core/clock.ts';
import { DomainError } from '../core/errors.ts';
import { randomToken } from '../core/secrets.ts';
import type { Keyring } from '../keys/keyring.ts';
import { activityChanges } from '../sessions/activity.ts';
import { admit } from '../sessions/admission.ts';
import { firstApp, type Issuance, type IssuancePlan, planIssuance } from '../sessions/apps.ts';
import type { Chain, DeviceSession, End } from '../sessions/device-session.ts';
import { deviceSessions, endOf } from '../sessions/device-session.ts';
import { commitEnds } from '../sessions/ending.ts';
import { newDeviceSession } from '../sessions/new-session.ts';
import { formatRefreshToken } from '../sessions/refresh-token.ts';
import { appRevocation } from '../sessions/revocations.ts';
import type { FailedPrecondition, Store, Write } from '../storage/store.ts';
import { patch } from '../storage/store.ts';
import type { PendingSession, SessionPlan } from './one-time-codes.ts';

export interface RedemptionDeps {
  store: Store;
  clock: Clock;
  keyring: Keyring;
  platforms: Readonly<Record<string, PlatformSettings>>;
  settings: {
    appsMax: number;
    chainsMax: number;
    rosterMax: number;
    tombstonesMs: number;
    accessTokenMaxMs: number;
  };
}

export interface Redeemed {
  session: DeviceSession;
  appNumber: string;
  chainNumber?: string;
  refreshToken?: string;
}

export type RedemptionOutcome =
  | ({ kind: 'redeemed' } & Redeemed)
  /** A write of the caller's own lost; `failed.index` is its position in `together`. */
  | { kind: 'lost'; failed: FailedPrecondition }
  | { kind: 'ended'; end: End }
  | { kind: 'too_late' };

const ATTEMPTS_MAX = 64;
const SALT_BYTES = 16;
const FIRST = '1';

export type IssuanceRequest = Pick<Issuance, 'clientId'> & { chainToken?: Chain['token'] };

/** What the caller commits together, once it is known what the redemption opens. */
export type Together = (opened: {
  sessionId: DeviceSession['id'];
  appNumber: string;
  chainNumber?: string;
}) => Write[];

export async function redeem(
  deps: RedemptionDeps,
  plan: SessionPlan,
  request: IssuanceRequest,
  together: Together,
): Promise<RedemptionOutcome> {
  const issuance: Issuance = {
    clientId: request.clientId,
    grant: plan.grant,
    ...(request.chainToken && { chain: { token: request.chainToken, salt: randomToken(SALT_BYTES) } }),
  };
  return plan.kind === 'join'
    ? joinSession(deps, plan.sessionId, issuance, together)
    : startSession(deps, plan.pending, issuance, together);
}

async function startSession(
  deps: RedemptionDeps,
  pending: PendingSession,
  issuance: Issuance,
  together: Together,
): Promise<RedemptionOutcome> {
  const now = deps.clock.now();
  const session = {
    ...newDeviceSession(pending, { now, platforms: deps.platforms }),
    nextApp: 2,
    apps: { [FIRST]: firstApp(issuance, now) },
  };
  const opened = opening(session.id, FIRST, issuance.chain && FIRST);

  const outcome = await admit(
    deps,
    {
      session,
      authenticatedAt: pending.authenticatedAt,
      ...(pending.deviceKey !== undefined && { deviceKey: pending.deviceKey }),
    },
    together(opened),
  );

  if (outcome.kind !== 'admitted') return outcome;
  return { kind: 'redeemed', session, ...withoutId(opened), ...refreshTokenOf(deps, session, opened) };
}

async function joinSession(
  deps: RedemptionDeps,
  sessionId: DeviceSession['id'],
  issuance: Issuance,
  together: Together,
): Promise<RedemptionOutcome> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const now = deps.clock.now();
    const session = await deps.store.get(deviceSessions, sessionId);
    const end = session ? endOf(session, now) : ({ at: now, reason: 'expired', by: 'system' } as const);
    if (!session || end) return { kind: 'ended', end: end ?? { at: now, reason: 'expired', by: 'system' } };

    const plan = planIssuance(session, issuance, { limits: deps.settings, now });
    const opened = opening(sessionId, plan.appNumber, plan.chainNumber);
    const own = together(opened);
    const writes = [...own, ...joiningWrites(deps, session, plan)];
    const outcome = await commitEnds(deps.store, writes, plan.dropped.length > 0 ? [sessionId] : []);
    if (!outcome.committed) {
      if (outcome.failed.index < own.length) return { kind: 'lost', failed: outcome.failed };
      continue;
    }

    const token = issuance.chain && {
      refreshToken: firstRefreshToken(deps, opened, issuance.chain.salt),
    };
    return { kind: 'redeemed', session, ...withoutId(opened), ...token };
  }
  throw new DomainError('overloaded', { detail: 'the session keeps changing', retryAfterSeconds: 1 });
}

function joiningWrites(deps: RedemptionDeps, session: DeviceSession, plan: IssuancePlan): Write[] {
  return [
    patch(deviceSessions, session.id, {
      when: plan.when,
      set: [...plan.set, ...activityChanges(deps, session, deps.clock.now())],
    }),
    ...plan.dropped.map(({ clientId, end }) =>
      appRevocation({ sid: session.id, clientId }, end, deps.settings.accessTokenMaxMs),
    ),
  ];
}

interface Opening {
  sessionId: DeviceSession['id'];
  appNumber: string;
  chainNumber?: string;
}

function opening(sessionId: DeviceSession['id'], appNumber: string, chainNumber?: string): Opening {
  return { sessionId, appNumber, ...(chainNumber !== undefined && { chainNumber }) };
}

function withoutId({ sessionId: _id, ...rest }: Opening): Omit<Opening, 'sessionId'> {
  return rest;
}

function refreshTokenOf(
  deps: RedemptionDeps,
  session: DeviceSession,
  opened: Opening,
): { refreshToken?: string } {
  const salt = session.apps[opened.appNumber]?.chains[opened.chainNumber ?? '']?.salt;
  return salt === undefined ? {} : { refreshToken: firstRefreshToken(deps, opened, salt) };
}

/** The first token of a chain; it can be computed again for a client whose answer was lost. */
export function firstRefreshToken(
  deps: Pick<RedemptionDeps, 'keyring'>,
  opened: Opening,
  salt: string,
): string {
  const key = deps.keyring.current('refresh');
  return formatRefreshToken(
    {
      sessionId: opened.sessionId,
      app: Number(opened.appNumber),
      chain: Number(opened.chainNumber ?? FIRST),
      serial: 1,
      kid: key.kid,
      salt,
    },
    key.bytes,
  );
}
