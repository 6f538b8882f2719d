// How long sessions and their access tokens live. Pure arithmetic on the platform table; times are in
// milliseconds since the epoch, what goes into a token response in seconds.

/** From the platform table, with what a client overrides laid over it; absent = no such limit. */
export interface SessionLifetime {
  /** Milliseconds without activity after which a session ends. */
  idle?: number;
  /** Milliseconds after its start at which a session ends, used or not. */
  absolute?: number;
}

/** The limits of one session. */
export interface SessionLimits {
  idleUntil?: number;
  absoluteUntil?: number;
}

export interface AccessTokenLifetime {
  /** The platform's, in milliseconds. */
  platform: number;
  /** Takes the platform's place; milliseconds. */
  client?: number;
  /** The API's ceiling: it may want shorter tokens than the platform, never longer ones; milliseconds. */
  api?: number;
  /** The session's absolute limit. */
  absoluteUntil?: number;
  now: number;
}

/** `lastActiveAt` is written at most this often: the resolution of "last active" and of the idle limit. */
export const activityStepMs = 60_000;

const jitterShare = 0.05;
const refreshShare = 0.8;

export function sessionLimits(
  lifetime: SessionLifetime,
  times: { startedAt: number; now: number },
): SessionLimits {
  const absoluteUntil = lifetime.absolute === undefined ? undefined : times.startedAt + lifetime.absolute;
  const idleUntil = slideIdle(lifetime, times.now, absoluteUntil === undefined ? {} : { absoluteUntil });
  return {
    ...(idleUntil !== undefined && { idleUntil }),
    ...(absoluteUntil !== undefined && { absoluteUntil }),
  };
}

/**
 * The idle limit after activity at `now`. Never past the absolute limit, and never earlier than it was:
 * activity that is written late takes nothing away.
 */
export function slideIdle(
  lifetime: SessionLifetime,
  now: number,
  session: SessionLimits = {},
): number | undefined {
  if (lifetime.idle === undefined) return undefined;

  const slid = Math.max(now + lifetime.idle, session.idleUntil ?? 0);
  return Math.min(slid, session.absoluteUntil ?? slid);
}

/** Whether activity at `now` is worth a write. */
export function activityMoves(lastActiveAt: number, now: number): boolean {
  return now - lastActiveAt >= activityStepMs;
}

export function isIdle(session: SessionLimits, now: number): boolean {
  return session.idleUntil !== undefined && session.idleUntil <= now;
}

export function isExpired(session: SessionLimits, now: number): boolean {
  return session.absoluteUntil !== undefined && session.absoluteUntil <= now;
}

/** Which limit has ended the session; where both have passed, the one that came first. */
export function endReasonAt(session: SessionLimits, now: number): 'idle' | 'expired' | undefined {
  const { idleUntil = Infinity, absoluteUntil = Infinity } = session;
  if (Math.min(idleUntil, absoluteUntil) > now) return undefined;

  return idleUntil < absoluteUntil ? 'idle' : 'expired';
}

/**
 * `expires_in` of an access token: the configured life, ±5 % so that a fleet that signed in together does
 * not refresh in step, and never past the session's absolute limit, counted in whole seconds from `iat`
 * as `exp` is. A session in its last second gets a token of one second.
 *
 * @param random evenly drawn from [0, 1)
 */
export function accessTokenSeconds(lifetime: AccessTokenLifetime, random: number): number {
  const { platform, client, api, absoluteUntil, now } = lifetime;
  const wanted = Math.min(client ?? platform, api ?? Infinity);
  const jittered = (wanted * (1 + jitterShare * (2 * random - 1))) / 1000;
  const left =
    absoluteUntil === undefined ? Infinity : Math.floor(absoluteUntil / 1000) - Math.floor(now / 1000);
  return Math.max(1, Math.floor(Math.min(jittered, left)));
}

/** When a client should refresh, in seconds from now: while the token still works, with time to try again. */
export function refreshAfterSeconds(expiresInSeconds: number): number {
  return Math.max(1, Math.floor(expiresInSeconds * refreshShare));
}
