// JWT access tokens that this server issued: checking one (signature, issuer, expiry, type) and then asking
// the session it belongs to, which the JWT alone cannot tell.
import type { JWTVerifyGetKey } from 'jose';
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { ClientRegistry } from '../clients/client-registry.ts';
import type { Clock } from '../core/clock.ts';
import type { Key, Keyring } from '../keys/keyring.ts';
import { verificationKeys } from '../keys/signing-key.ts';
import type { DeviceSession, End } from '../sessions/device-session.ts';
import { deviceSessions, endOfApp } from '../sessions/device-session.ts';
import { isTokenRevoked } from '../sessions/revocations.ts';
import type { Store } from '../storage/store.ts';

export interface OwnClaims {
  iss: string;
  sub: string;
  aud: string;
  jti: string;
  iat: number;
  exp: number;
  client_id: string;
  sid: string;
  /** Number of the app in the session. */
  app: string;
  scope?: string;
  platform?: string;
  acr?: string;
  auth_time?: number;
  cnf?: { jkt?: string };
}

export interface OwnTokenDeps {
  store: Store;
  clock: Clock;
  keyring: Keyring;
  clients: Pick<ClientRegistry, 'find'>;
  issuer: string;
  /** From when on the store remembers what was revoked, in ms since the epoch. */
  restoredAt?: number | undefined;
}

export type TokenJudgement =
  | { kind: 'active'; claims: OwnClaims & Record<string, unknown>; session: DeviceSession }
  /** Genuine, but its session, app or the token itself was ended. */
  | { kind: 'ended'; claims: OwnClaims; end?: End }
  | { kind: 'unknown' };

/** 10 kB are many times the size of a token of ours. */
const LENGTH_MAX = 10_240;
const shape = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export interface OwnTokens {
  judge(token: string): Promise<TokenJudgement>;
}

export function ownTokens(deps: OwnTokenDeps): OwnTokens {
  let keys: { of: readonly Key[]; getKey: JWTVerifyGetKey } | undefined;

  /** Made anew when the keyring was read again. */
  function keySet(): JWTVerifyGetKey {
    const of = deps.keyring.all('signing');
    if (keys?.of !== of) keys = { of, getKey: createLocalJWKSet({ keys: verificationKeys(deps.keyring) }) };
    return keys.getKey;
  }

  async function verified(token: string): Promise<(OwnClaims & Record<string, unknown>) | undefined> {
    if (token.length > LENGTH_MAX || !shape.test(token)) return undefined;
    try {
      const { payload } = await jwtVerify(token, keySet(), {
        issuer: deps.issuer,
        typ: 'at+jwt',
        algorithms: ['ES256'],
        requiredClaims: ['aud', 'sub', 'jti', 'exp', 'iat', 'client_id', 'sid', 'app'],
        currentDate: new Date(deps.clock.now()),
      });
      // Signed by this server with these claims, which it writes as such.
      return payload as unknown as OwnClaims & Record<string, unknown>;
    } catch {
      // Whatever is wrong with it, it is not a token that this server vouches for now.
      return undefined;
    }
  }

  async function judge(token: string): Promise<TokenJudgement> {
    const claims = await verified(token);
    if (!claims) return { kind: 'unknown' };
    // Whether it was revoked, or its app ended, was forgotten with the rest.
    if (deps.restoredAt !== undefined && claims.iat * 1000 <= deps.restoredAt) return { kind: 'unknown' };

    const [session, isRevoked, client] = await Promise.all([
      deps.store.get(deviceSessions, claims.sid),
      isTokenRevoked(deps.store, claims.jti),
      deps.clients.find(claims.client_id),
    ]);
    const end = session && endOfApp(session, claims.app, deps.clock.now());
    if (!session || isRevoked || end) return { kind: 'ended', claims, ...(end && { end }) };
    if (!client || client.disabled) return { kind: 'ended', claims };

    return { kind: 'active', claims, session };
  }

  return { judge };
}
