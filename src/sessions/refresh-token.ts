// Refresh tokens that locate themselves: `rt_<session>.<app>.<chain>.<serial>.<key id>.<MAC>`. The MAC is
// taken over all of these and the chain's random salt, so the server recomputes any token it ever issued,
// keeps no record per token, and a copy of the database alone forges none (I7). The first segment is no
// base64url of a JSON object, so nothing takes such a token for a JWT.
import assert from 'node:assert/strict';
import { isSessionId, type SessionId } from '../core/ids.ts';
import { equalSecrets, mac } from '../core/secrets.ts';

/** Where in a device session a refresh token stands, and which key made it. */
export interface RefreshTokenPlace {
  sessionId: SessionId;
  /** Key of the app in the session's `apps`; from 0. */
  app: number;
  /** Key of the chain in the app's `chains`; from 0. */
  chain: number;
  /** Position in the chain; from 1. */
  serial: number;
  /** Names the key of the MAC: 1 to 32 characters of base64url. */
  kid: string;
}

export interface RefreshTokenParts extends RefreshTokenPlace {
  /** The chain's random salt. */
  salt: string;
}

export interface ParsedRefreshToken extends RefreshTokenPlace {
  /** As presented; says nothing before `verifyRefreshToken` has. */
  mac: string;
}

/** Numbers stay below 2^31: every driver stores them exactly, and a token stays under 160 characters. */
export const tokenNumberMax = 2 ** 31 - 1;

const textMax = 160;
const shape =
  /^rt_([A-Za-z0-9_-]{22})\.(0|[1-9]\d{0,9})\.(0|[1-9]\d{0,9})\.([1-9]\d{0,9})\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]{43})$/;

export function formatRefreshToken(parts: RefreshTokenParts, key: Uint8Array): string {
  const { sessionId, app, chain, serial, kid } = parts;
  const place = [sessionId.replace(/^ses_/, 'rt_'), app, chain, serial, kid].join('.');
  const text = `${place}.${refreshTokenMac(parts, key)}`;

  assert(parseRefreshToken(text) !== undefined, 'a refresh token is made of parts that it can carry');

  return text;
}

/**
 * Reads the strict shape: one spelling per token, decimal numbers without sign or leading zero. Decides
 * before anything is looked up, so that odd input (any length, any bytes) costs no read of the store (I9).
 */
export function parseRefreshToken(text: string): ParsedRefreshToken | undefined {
  if (text.length > textMax) return undefined;

  const [, session, app, chain, serial, kid, presentedMac] = shape.exec(text) ?? [];
  const sessionId = `ses_${session}`;
  if (kid === undefined || presentedMac === undefined || !isSessionId(sessionId)) return undefined;

  const numbers = { app: Number(app), chain: Number(chain), serial: Number(serial) };
  if (Math.max(numbers.app, numbers.chain, numbers.serial) > tokenNumberMax) return undefined;

  return { sessionId, ...numbers, kid, mac: presentedMac };
}

/** HMAC-SHA-256 over the token's place, its key id and the chain's salt; base64url. */
export function refreshTokenMac(parts: RefreshTokenParts, key: Uint8Array): string {
  const { sessionId, app, chain, serial, kid, salt } = parts;
  return mac(key, 'refresh_token', sessionId, `${app}`, `${chain}`, `${serial}`, kid, salt);
}

/** Whether this server made the token; compared in constant time, so that no byte of a MAC can be probed. */
export function verifyRefreshToken(
  token: ParsedRefreshToken,
  chain: { salt: string },
  key: Uint8Array,
): boolean {
  return equalSecrets(token.mac, refreshTokenMac({ ...token, salt: chain.salt }, key));
}
