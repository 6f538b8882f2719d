// The device session: one record at the root of everything issued on one device. One conditional write to
// it ends every refresh, access and IM token of that device (I1). Apps and chains are maps keyed by counters
// that never repeat, so that a patch names its path and no number is ever used twice.
import { type AccountId, isSessionId, type SessionId } from '../core/ids.ts';
import { recordType } from '../storage/record-type.ts';
import { endReasonAt } from './lifetimes.ts';

/** Why a session or app ended. The list is closed; each reason has words in both languages. */
export const endReasons = [
  'signed_out',
  'expired',
  'idle',
  'replaced',
  'kicked',
  'admin',
  'banned',
  'password_changed',
  'reuse',
  'grantor_ended',
  'policy',
] as const;

export type EndReason = (typeof endReasons)[number];

export interface End {
  /** Milliseconds since the epoch. */
  at: number;
  reason: EndReason;
  /** Who ended it: a session id, `account`, `admin:…`, or `system`. */
  by: string;
}

export interface Device {
  /** What the owner sees and may change. */
  name: string;
  os?: string;
  model?: string;
  appVersion?: string;
  installationId?: string;
  /** Hash of the browser's long-lived cookie. */
  browserUid?: string;
}

export interface Authentication {
  /** Seconds since the epoch, as `auth_time`. */
  time: number;
  acr: string;
  amr: string[];
}

export type StartedHow = 'password' | 'passkey' | 'code' | 'qr' | 'exchange' | 'client';

/** What an app may ask for: the engine's Grant, kept inside the session. */
export interface AppGrant {
  /** OpenID scopes, separated by spaces. */
  openid: string;
  /** Scopes by resource indicator, separated by spaces. */
  resources: Record<string, string>;
  claims?: string[];
}

/** What the first token of a chain was issued with; every refresh repeats it. */
export interface ChainToken {
  scope?: string;
  resource?: string | string[];
  claims?: object;
  nonce?: string;
  acr?: string;
  amr?: string[];
  authTime?: number;
  gty: string;
  /** Thumbprint of the DPoP key the chain is bound to. */
  jkt?: string;
}

/** One line of refresh tokens, opened by one issuance; see refresh-chain.ts. Times in ms since the epoch. */
export interface ChainState {
  /** Goes up with every write; what a refresh's commit depends on. */
  revision: number;
  /** The highest serial that came back from the device; 0 before any did. */
  proven: number;
  /** The highest serial ever minted. */
  minted: number;
  /** Serials minted after `proven`, oldest first, with the time of the mint (or, at their cap, of its renewal). */
  unproven: { serial: number; at: number }[];
  /** Serials that stand for `proven`: answers that crossed each other. */
  aliases: number[];
  /** What the device left behind lately, oldest first; `upTo` also covers every serial up to that one. */
  superseded: { serials: number[]; upTo?: number; at: number }[];
  /** An older serial was shown since the last promotion. */
  echo?: true;
  /** Generations in a row with an echo. */
  echoes: number;
}

export interface Chain extends ChainState {
  salt: string;
  startedAt: number;
  lastUsedAt: number;
  token: ChainToken;
}

export interface App {
  clientId: string;
  grant: AppGrant;
  startedAt: number;
  lastActiveAt: number;
  nextChain: number;
  chains: Record<string, Chain>;
  ended?: End;
}

export interface DeviceSession {
  id: SessionId;
  /** A pending session is no record yet: it is carried by the one-time code that will start it. */
  state: 'live' | 'ended';
  /** Absent in the implicit session of an API app. */
  accountId?: AccountId;
  platform: string;
  device: Device;
  startedAt: number;
  lastActiveAt: number;
  auth?: Authentication;
  startedBy: { how: StartedHow; sessionId?: SessionId };
  /** Milliseconds since the epoch; absent = no such limit. */
  idleUntil?: number;
  absoluteUntil?: number;
  /** The earlier of the two limits, which the sweeper goes by; `NEVER_DUE` where there is none. */
  dueAt: number;
  nextApp: number;
  apps: Record<string, App>;
  ended?: End;
  /** What must still hear of the end; cleared by workers. */
  todo: string[];
  /** When the tombstone may go. */
  purgeAt?: number;
}

export const deviceSessions = recordType<DeviceSession>('device_session', {
  lifetime: 'session',
  indexes: {
    account: { field: 'accountId', orderBy: 'startedAt' },
    due: { field: 'state', orderBy: 'dueAt' },
  },
  expiresAt: 'purgeAt',
});

export const NEVER_DUE = Number.MAX_SAFE_INTEGER;

/** The end that was recorded, or the one that a limit has brought without anybody having written it yet. */
export function endOf(session: DeviceSession, now: number): End | undefined {
  if (session.ended) return session.ended;

  const reason = endReasonAt(session, now);
  if (!reason) return undefined;

  const at = reason === 'idle' ? session.idleUntil : session.absoluteUntil;
  return { at: at ?? now, reason, by: 'system' };
}

/** The end of one app of a session: its own, or the session's. One that is not there was ended and forgotten. */
export function endOfApp(session: DeviceSession, appNumber: string, now: number): End | undefined {
  const app = session.apps[appNumber];
  return endOf(session, now) ?? (app ? app.ended : { at: now, reason: 'signed_out', by: 'system' });
}

export function liveApps(session: DeviceSession): [number: string, app: App][] {
  return Object.entries(session.apps).filter(([, app]) => !app.ended);
}

/** Grant ids of the engine name an app of a session: `session id.app number`. */
export function grantIdOf(sessionId: SessionId, appNumber: string): string {
  return `${sessionId}.${appNumber}`;
}

export function parseGrantId(grantId: string): { sessionId: SessionId; appNumber: string } | undefined {
  const [sessionId = '', appNumber = '', ...rest] = grantId.split('.');
  if (rest.length > 0 || !isSessionId(sessionId) || !/^\d{1,9}$/.test(appNumber)) return undefined;

  return { sessionId, appNumber };
}
