// Apps and chains of a live session: what is written when a client is issued tokens there. Pure planning;
// the caller commits the changes together with the redemption of what was shown for them.
import type { Condition, FieldChange } from '../storage/store.ts';
import type { App, AppGrant, Chain, ChainToken, DeviceSession, End } from './device-session.ts';
import { liveApps } from './device-session.ts';
import { openChain } from './refresh-chain.ts';

export interface Issuance {
  clientId: string;
  grant: AppGrant;
  /** Where a refresh token is issued: what its chain repeats at every refresh, and its random salt. */
  chain?: { token: ChainToken; salt: string };
}

export interface AppLimits {
  appsMax: number;
  chainsMax: number;
}

export interface IssuancePlan {
  appNumber: string;
  chainNumber?: string;
  when: Condition[];
  set: FieldChange[];
  /** Apps that had to make room. */
  dropped: { appNumber: string; clientId: string; end: End }[];
}

/** Ended apps are kept for their reason; beyond this many the oldest are forgotten. */
const ENDED_APPS_MAX = 32;
const FIRST_CHAIN = '1';

/** The app of a session that is being started. */
export function firstApp(issuance: Issuance, now: number): App {
  return {
    clientId: issuance.clientId,
    grant: issuance.grant,
    startedAt: now,
    lastActiveAt: now,
    nextChain: issuance.chain ? 2 : 1,
    chains: issuance.chain ? { [FIRST_CHAIN]: newChain(issuance.chain, now) } : {},
  };
}

/** Adds the client to a live session, or a chain to the app it has there already. */
export function planIssuance(
  session: DeviceSession,
  issuance: Issuance,
  context: { limits: AppLimits; now: number },
): IssuancePlan {
  const existing = liveApps(session).find(([, app]) => app.clientId === issuance.clientId);
  return existing ? planChain(existing, issuance, context) : planApp(session, issuance, context);
}

function planApp(
  session: DeviceSession,
  issuance: Issuance,
  { limits, now }: { limits: AppLimits; now: number },
): IssuancePlan {
  const appNumber = String(session.nextApp);
  const dropped = leastRecent(liveApps(session), limits.appsMax - 1).map(([number, app]) => ({
    appNumber: number,
    clientId: app.clientId,
    end: { at: now, reason: 'policy' as const, by: 'system' },
  }));
  const ended = Object.entries(session.apps).filter(([, app]) => app.ended);
  const forgotten = leastRecent(ended, ENDED_APPS_MAX);
  return {
    appNumber,
    ...(issuance.chain && { chainNumber: FIRST_CHAIN }),
    when: [
      { path: ['state'], is: 'live' },
      { path: ['nextApp'], is: session.nextApp },
    ],
    set: [
      [['nextApp'], session.nextApp + 1],
      [['apps', appNumber], firstApp(issuance, now)],
      ...dropped.map((drop): FieldChange => [['apps', drop.appNumber, 'ended'], drop.end]),
      ...forgotten.map(([number]): FieldChange => [['apps', number], undefined]),
    ],
    dropped,
  };
}

function planChain(
  [appNumber, app]: [string, App],
  issuance: Issuance,
  { limits, now }: { limits: AppLimits; now: number },
): IssuancePlan {
  const path = ['apps', appNumber];
  const unchanged: Condition[] = [
    { path: ['state'], is: 'live' },
    { path: [...path, 'ended'], absent: true },
    { path: [...path, 'nextChain'], is: app.nextChain },
  ];
  const touched: FieldChange[] = [
    [[...path, 'grant'], mergedGrant(app.grant, issuance.grant)],
    [[...path, 'lastActiveAt'], now],
  ];
  if (!issuance.chain) return { appNumber, when: unchanged, set: touched, dropped: [] };

  const chainNumber = String(app.nextChain);
  const excess = Object.entries(app.chains)
    .toSorted(([, a], [, b]) => a.lastUsedAt - b.lastUsedAt)
    .slice(0, Math.max(0, Object.keys(app.chains).length - limits.chainsMax + 1));
  return {
    appNumber,
    chainNumber,
    when: unchanged,
    set: [
      ...touched,
      [[...path, 'nextChain'], app.nextChain + 1],
      [[...path, 'chains', chainNumber], newChain(issuance.chain, now)],
      ...excess.map(([number]): FieldChange => [[...path, 'chains', number], undefined]),
    ],
    dropped: [],
  };
}

function newChain(chain: { token: ChainToken; salt: string }, now: number): Chain {
  return { ...openChain(now), salt: chain.salt, startedAt: now, lastUsedAt: now, token: chain.token };
}

/** All but the `keep` most recently active. */
function leastRecent(apps: [string, App][], keep: number): [string, App][] {
  return apps
    .toSorted(([, a], [, b]) => a.lastActiveAt - b.lastActiveAt)
    .slice(0, Math.max(0, apps.length - keep));
}

/** What was granted before stays granted. */
function mergedGrant(before: AppGrant, added: AppGrant): AppGrant {
  const resources = { ...before.resources };
  for (const [resource, scope] of Object.entries(added.resources)) {
    resources[resource] = union(resources[resource] ?? '', scope);
  }
  const claims = [...new Set([...(before.claims ?? []), ...(added.claims ?? [])])];
  return { openid: union(before.openid, added.openid), resources, ...(claims.length > 0 && { claims }) };
}

function union(one: string, other: string): string {
  return [...new Set(`${one} ${other}`.split(' '))].filter(Boolean).join(' ');
}
