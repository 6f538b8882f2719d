// The records that the store is measured with: made by the functions of the product itself, in the shapes that
// they have after some weeks of use, so that their sizes and the places of their index entries are real.
import { newAccount } from '../src/accounts/account.ts';
import { acrSingleFactor } from '../src/accounts/authentication-levels.ts';
import { configSchema } from '../src/config/schema.ts';
import { type AccountId, newSessionId, type SessionId } from '../src/core/ids.ts';
import { digest, randomFraction, randomToken } from '../src/core/secrets.ts';
import { knownInstallation } from '../src/grants/installation.ts';
import type { DeviceCodeRecord, OneTimeCode, PendingSession } from '../src/grants/one-time-codes.ts';
import { firstApp } from '../src/sessions/apps.ts';
import type { App, Chain, ChainState, ChainToken, DeviceSession } from '../src/sessions/device-session.ts';
import { newDeviceSession } from '../src/sessions/new-session.ts';
import { chainChanges, decideRefresh } from '../src/sessions/refresh-chain.ts';
import type { RosterEntry } from '../src/sessions/roster.ts';
import type { FieldChange } from '../src/storage/store.ts';

export type OwnedSession = DeviceSession & { accountId: AccountId };

export const clientId = 'shop-app';
const scope = 'openid profile email orders:read orders:write';
const resource = 'https://api.shop.example';
const grant = { openid: 'openid profile email', resources: { [resource]: 'orders:read orders:write' } };
export const passwordHash =
  '$argon2id$v=19$m=19456,t=2,p=1$gfbyj0fb7SR4flW2P6nP8Q$tamN7YGl2xg8WtFkcR9FDbOcw50LLB7+Nqny3b8791M';

const { platforms, sessions } = configSchema.parse({});
const DAY_MS = 86_400_000;
/** How often an app refreshes that is in use. */
const REFRESH_MS = 15 * 60_000;
const AGE_DAYS_MAX = 60;
const REFRESHES = 3;

/** As sign-in pages and apps write them. */
const devices = [
  { platform: 'ios', device: { name: 'Example Shop', os: 'iOS 18.5' } },
  { platform: 'android', device: { name: 'Example Shop', os: 'Android 16' } },
  { platform: 'windows', device: { name: 'Example Shop', os: 'Windows 11' } },
  { platform: 'web', device: { name: 'Chrome, macOS', browser: 'Chrome', os: 'macOS Sequoia' } },
] as const;

export function anAccount(now: number) {
  const email = `${randomToken(6)}@example.com`;
  const draft = newAccount({ name: 'Alex Example', email, emailVerified: true, passwordHash }, now);
  if (draft.kind === 'invalid') throw new Error(`${email} is no address`);
  return draft.account;
}

/** A sign-in that has not finished: what a code carries. */
export function aPendingSession(accountId: AccountId, now: number): PendingSession {
  const { platform, device } = devices[Math.floor(randomFraction() * devices.length)] ?? devices[0];
  const installation = randomToken(16);
  const known =
    platform === 'web'
      ? { device: { ...device, browserUid: digest('browser', installation) } }
      : { device: { ...device, installationId: installation }, ...knownInstallation(clientId, installation) };
  return {
    id: newSessionId(),
    accountId,
    platform,
    auth: { time: Math.floor(now / 1000), acr: acrSingleFactor, amr: ['pwd'] },
    authenticatedAt: now,
    startedBy: { how: 'password' },
    ...known,
  };
}

/** A session with one app, as it starts. */
export function aNewSession(pending: PendingSession, now: number): OwnedSession {
  return {
    ...newDeviceSession(pending, { now, platforms }),
    nextApp: 2,
    apps: {
      1: firstApp({ clientId, grant, chain: { token: aChainToken(now), salt: randomToken(16) } }, now),
    },
  };
}

/** One that started some weeks ago and has been refreshed since, the last time a while before now. */
export function aUsedSession(accountId: AccountId, now: number): OwnedSession {
  const pending = aPendingSession(accountId, now);
  const idle = platforms[pending.platform]?.idle ?? DAY_MS;
  const lastUsedAt = Math.floor(now - (randomFraction() * idle) / 2);
  const ageMs = pending.platform === 'web' ? idle : AGE_DAYS_MAX * DAY_MS;
  const session = aNewSession(pending, Math.floor(lastUsedAt - randomFraction() * ageMs));
  for (let refresh = 1; refresh <= REFRESHES; refresh += 1) {
    refreshInPlace(session, lastUsedAt - (REFRESHES - refresh) * REFRESH_MS);
  }
  const idleUntil = lastUsedAt + idle;
  const dueAt = Math.min(idleUntil, session.absoluteUntil ?? idleUntil);
  return { ...session, lastActiveAt: lastUsedAt, idleUntil, dueAt };
}

function refreshInPlace(session: OwnedSession, now: number): void {
  const { app, chain } = firstChain(session);
  const fresh: Chain = {
    ...nextOf(chain, now),
    salt: chain.salt,
    startedAt: chain.startedAt,
    lastUsedAt: now,
    token: chain.token,
  };
  session.apps = { 1: { ...app, lastActiveAt: now, chains: { 1: fresh } } };
}

/** What a refresh writes, and the revision that it depends on. */
export function refreshOf(session: DeviceSession, now: number): { revision: number; set: FieldChange[] } {
  const { chain } = firstChain(session);
  return {
    revision: chain.revision,
    set: [
      ...chainChanges(chainPath, nextOf(chain, now)),
      [[...chainPath, 'lastUsedAt'], now],
      [['apps', '1', 'lastActiveAt'], now],
    ],
  };
}

export const chainPath = ['apps', '1', 'chains', '1'] as const;

function nextOf(chain: Chain, now: number): ChainState {
  const newest = chain.unproven.at(-1) ?? { serial: chain.proven };
  const decision = decideRefresh(chain, newest, { now, windowMs: sessions.refreshWindow, bound: false });
  if (decision.kind === 'advance') return decision.next;
  // A chain that is refreshed too often in too short a time answers again; it is written all the same here.
  return { ...chain, revision: chain.revision + 1 };
}

function firstChain(session: DeviceSession): { app: App; chain: Chain } {
  const app = session.apps['1'];
  const chain = app?.chains['1'];
  if (!app || !chain) throw new Error('the session has no app');
  return { app, chain };
}

function aChainToken(now: number): ChainToken {
  return {
    scope,
    resource,
    nonce: randomToken(16),
    acr: acrSingleFactor,
    amr: ['pwd'],
    authTime: Math.floor(now / 1000),
    gty: 'authorization_code',
  };
}

export function rosterEntry(session: OwnedSession, deviceKey?: string): RosterEntry {
  return {
    sid: session.id,
    platform: session.platform,
    startedAt: session.startedAt,
    ...(deviceKey !== undefined && { deviceKey }),
    apps: [{ n: '1', clientId, startedAt: session.startedAt }],
  };
}

export function aCode(pending: PendingSession, now: number): OneTimeCode {
  const seconds = Math.floor(now / 1000);
  return {
    payload: {
      iat: seconds,
      exp: seconds + 60,
      accountId: pending.accountId,
      acr: acrSingleFactor,
      amr: ['pwd'],
      authTime: seconds,
      codeChallenge: digest(randomToken(32)),
      codeChallengeMethod: 'S256',
      grantId: pending.id,
      nonce: randomToken(16),
      redirectUri: 'https://shop.example/callback',
      resource,
      scope,
      sessionUid: randomToken(32),
      kind: 'AuthorizationCode',
      clientId,
    },
    // Far ahead, so that no run is long enough to see it expire.
    expiresAt: now + DAY_MS,
    plan: { kind: 'start', pending, grant },
  };
}

export function aDeviceCode(now: number): DeviceCodeRecord {
  const seconds = Math.floor(now / 1000);
  return {
    id: randomToken(32),
    clientId,
    userCodeKey: randomToken(32),
    payload: { iat: seconds, exp: seconds + 600, kind: 'DeviceCode', clientId, params: { scope, resource } },
    expiresAt: now + DAY_MS,
  };
}

export function anAccessToken(session: { id: SessionId; accountId: AccountId }, now: number) {
  const seconds = Math.floor(now / 1000);
  const extra = { sid: session.id, app: '1', acr: acrSingleFactor, amr: ['pwd'], auth_time: seconds };
  return {
    payload: {
      iat: seconds,
      exp: seconds + 900,
      accountId: session.accountId,
      gty: 'authorization_code',
      grantId: `${session.id}.1`,
      kind: 'AccessToken',
      clientId,
      scope,
      sid: session.id,
      extra,
    },
    expiresAt: now + DAY_MS,
  };
}
