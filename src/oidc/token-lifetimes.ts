// How long what the engine issues lives, in seconds. Access tokens follow the platform of their session and
// the API's ceiling, with some jitter, and never outlive the session.
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import { randomFraction } from '../core/secrets.ts';
import { requestState } from '../grants/request-state.ts';
import { accessTokenSeconds } from '../sessions/lifetimes.ts';
import type { ApiTable } from './apis.ts';

const ID_TOKEN_SECONDS = 3600;
const FALLBACK_MS = 600_000;

export function tokenLifetimes(deps: { config: Config; clock: Clock; apis: ApiTable }) {
  const { config, clock, apis } = deps;

  function accessToken(ctx: KoaContextWithOIDC, token: { aud?: string | string[] | undefined }): number {
    const session = requestState(ctx).deviceSession;
    const platform = session && config.platforms[session.platform];
    const api = typeof token.aud === 'string' ? apis.find(token.aud)?.accessToken : undefined;
    return accessTokenSeconds(
      {
        platform: platform?.accessToken ?? FALLBACK_MS,
        ...(api !== undefined && { api }),
        ...(session?.absoluteUntil !== undefined && { absoluteUntil: session.absoluteUntil }),
        now: clock.now(),
      },
      randomFraction(),
    );
  }

  /** The cookie lives as long as the device session may, or as long as the sign-in it belongs to. */
  function session(ctx: KoaContextWithOIDC): number {
    const until = requestState(ctx).deviceSession?.absoluteUntil;
    const ms = until === undefined ? config.sessions.interaction : until - clock.now();
    return Math.max(1, Math.ceil(ms / 1000));
  }

  return {
    AccessToken: accessToken,
    ClientCredentials: accessToken,
    AuthorizationCode: seconds(config.sessions.authorizationCode),
    DeviceCode: seconds(config.deviceFlow.lifetime),
    Grant: seconds(longestSession(config)),
    IdToken: ID_TOKEN_SECONDS,
    Interaction: seconds(config.sessions.interaction),
    RefreshToken: seconds(longestSession(config)),
    Session: session,
  };
}

/** The longest that any access token can live, in ms: what a revocation must outlast. */
export function longestAccessToken(config: Config): number {
  const lives = Object.values(config.platforms).map((platform) => platform.accessToken);
  const jitter = 1.05;
  const toleranceMs = 75_000;
  return Math.ceil(Math.max(...lives, FALLBACK_MS) * jitter) + toleranceMs;
}

function longestSession(config: Config): number {
  const day = 86_400_000;
  return Math.max(day, ...Object.values(config.platforms).map((platform) => platform.absolute ?? 0));
}

function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
