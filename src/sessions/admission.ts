// Admission: how a device session becomes live. One commit inserts it, changes the account's roster, ends
// whom it replaces and whom the policy names, and carries whatever else must happen with it (the redemption
// of a code, say), all or nothing (I2, I3).
import assert from 'node:assert/strict';
import type { PlatformSettings } from '../config/platforms.ts';
import type { Clock } from '../core/clock.ts';
import { DomainError } from '../core/errors.ts';
import type { AccountId, SessionId } from '../core/ids.ts';
import type { FailedPrecondition, Store, Write } from '../storage/store.ts';
import { check, insert, patch } from '../storage/store.ts';
import { builtInRule, type CountedSession, decideAdmission } from './concurrency.ts';
import type { DeviceSession, EndReason } from './device-session.ts';
import { deviceSessions } from './device-session.ts';
import { commitEnds, endChanges } from './ending.ts';
import type { Roster, RosterEntry } from './roster.ts';
import { emptyRoster, rosters, rosterWrite } from './roster.ts';

export interface AdmissionDeps {
  store: Store;
  clock: Clock;
  platforms: Readonly<Record<string, PlatformSettings>>;
  settings: { rosterMax: number; tombstonesMs: number };
}

export interface Candidate {
  session: DeviceSession & { accountId: AccountId };
  /** When the account proved itself, or was approved by another device; ms since the epoch. */
  authenticatedAt: number;
  /** See `RosterEntry`. */
  deviceKey?: string;
}

export type AdmissionOutcome =
  | { kind: 'admitted'; replaced: SessionId[] }
  /** A write of the caller's own lost; `failed.index` is its position in `together`. */
  | { kind: 'lost'; failed: FailedPrecondition }
  /** Everything of the account was ended since it authenticated, or the session that let it in was. */
  | { kind: 'too_late' };

/** Admissions of one account that come at the same moment try again in turn. */
const ATTEMPTS_MAX = 64;

export async function admit(
  deps: AdmissionDeps,
  candidate: Candidate,
  together: readonly Write[] = [],
): Promise<AdmissionOutcome> {
  const { accountId } = candidate.session;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const roster = (await deps.store.get(rosters, accountId)) ?? emptyRoster(accountId);
    if (candidate.authenticatedAt <= roster.notBefore) return { kind: 'too_late' };

    const live = await liveEntries(deps, roster);
    const leaving = whoLeaves(deps, live, candidate);
    const writes = admissionWrites(deps, { roster, candidate, live, leaving });
    const grantor = grantorCheck(candidate, leaving);
    const replaced = leaving.map(({ session }) => session.id);
    const outcome = await commitEnds(deps.store, [...together, ...grantor, ...writes], replaced);

    if (outcome.committed) return { kind: 'admitted', replaced };
    if (outcome.failed.index < together.length) return { kind: 'lost', failed: outcome.failed };
    if (outcome.failed.index < together.length + grantor.length) return { kind: 'too_late' };
  }
  throw new DomainError('overloaded', { detail: 'too many sign-ins of one account', retryAfterSeconds: 1 });
}

/**
 * A session that another let in starts only while that one lives: whoever signs out a phone that was stolen
 * takes its open approvals along.
 */
function grantorCheck({ session }: Candidate, leaving: readonly Leaving[]): Write[] {
  const { sessionId } = session.startedBy;
  // Where the grantor itself makes room in this commit, its end depends on the same.
  const makesRoom = leaving.some((each) => each.session.id === sessionId);
  if (sessionId === undefined || makesRoom) return [];

  return [check(deviceSessions, sessionId, [{ path: ['state'], is: 'live' }])];
}

/** A session of the roster that nobody has ended yet; a limit may have. */
interface LiveEntry {
  entry: RosterEntry;
  session: DeviceSession;
}

/** One that goes in the commit of this admission. */
interface Leaving extends LiveEntry {
  reason: EndReason;
}

/** Ends are written without the roster, so entries whose session has ended are still in it: they just go. */
async function liveEntries(deps: AdmissionDeps, roster: Roster): Promise<LiveEntry[]> {
  const joined = await Promise.all(
    roster.entries.map(async (entry) => ({
      entry,
      session: await deps.store.get(deviceSessions, entry.sid),
    })),
  );
  return joined.flatMap(({ entry, session }) => (session?.state === 'live' ? [{ entry, session }] : []));
}

/** What was on this device before, what a limit has ended, and what the policy ends for the new session. */
function whoLeaves(deps: AdmissionDeps, live: readonly LiveEntry[], candidate: Candidate): Leaving[] {
  const { session, deviceKey } = candidate;
  const before = live.filter(({ entry }) => deviceKey !== undefined && entry.deviceKey === deviceKey);
  const decision = decideAdmission(
    [{ ...builtInRule, limit: deps.settings.rosterMax }],
    live.map((each) => counted(deps, each)),
    {
      sid: session.id,
      platform: session.platform,
      class: classOf(deps, session.platform),
      groups: [],
      leaving: before.map(({ entry: { sid } }) => ({ sid })),
    },
    deps.clock.now(),
  );
  assert(decision.kind === 'admit', 'the only rule in force ends the oldest and refuses nobody');

  const reasons = new Map<string, EndReason>([
    ...decision.victims.map(({ sid }) => [sid, 'policy'] as const),
    ...before.map(({ entry: { sid } }) => [sid, 'replaced'] as const),
    ...decision.lapsed.map(({ sid, reason }) => [sid, reason] as const),
  ]);
  return live.flatMap((each) => {
    const reason = reasons.get(each.entry.sid);
    return reason === undefined ? [] : [{ ...each, reason }];
  });
}

function counted(deps: AdmissionDeps, { entry, session }: LiveEntry): CountedSession {
  const { sid, platform, startedAt } = entry;
  const { lastActiveAt, idleUntil, absoluteUntil } = session;
  const apps = entry.apps.map((app) => ({
    ...app,
    lastActiveAt: session.apps[app.n]?.lastActiveAt ?? app.startedAt,
  }));
  return {
    sid,
    platform,
    class: classOf(deps, platform),
    startedAt,
    lastActiveAt,
    apps,
    ...(idleUntil !== undefined && { idleUntil }),
    ...(absoluteUntil !== undefined && { absoluteUntil }),
  };
}

/** A platform that the operator has taken out of the table since counts as a browser. */
function classOf(deps: AdmissionDeps, platform: string): PlatformSettings['class'] {
  return deps.platforms[platform]?.class ?? 'browser';
}

function admissionWrites(
  deps: AdmissionDeps,
  admission: {
    roster: Roster;
    candidate: Candidate;
    live: readonly LiveEntry[];
    leaving: readonly Leaving[];
  },
): Write[] {
  const { roster, candidate, live, leaving } = admission;
  const { session } = candidate;
  const gone = new Set(leaving.map(({ entry }) => entry.sid));
  const staying = live.map(({ entry }) => entry).filter(({ sid }) => !gone.has(sid));
  return [
    insert(deviceSessions, session.id, session),
    rosterWrite(roster, { entries: [...staying, entryOf(candidate)], notBefore: roster.notBefore }),
    ...leaving.map((each) => leavingWrite(deps, each, session.id)),
  ];
}

function entryOf({ session, deviceKey }: Candidate): RosterEntry {
  return {
    sid: session.id,
    platform: session.platform,
    startedAt: session.startedAt,
    ...(deviceKey !== undefined && { deviceKey }),
    apps: Object.entries(session.apps).map(([n, { clientId, startedAt }]) => ({ n, clientId, startedAt })),
  };
}

/** The end of a limit depends on the limit that was read: a refresh that moved it wins, and is counted again. */
function leavingWrite(deps: AdmissionDeps, { session, reason }: Leaving, candidateId: SessionId): Write {
  const hasLapsed = reason === 'idle' || reason === 'expired';
  const end = { at: deps.clock.now(), reason, by: hasLapsed ? 'system' : candidateId };
  return patch(deviceSessions, session.id, {
    when: [
      { path: ['state'], is: 'live' },
      ...(hasLapsed ? [{ path: ['dueAt'], is: session.dueAt } as const] : []),
    ],
    set: endChanges(end, deps.settings.tombstonesMs),
  });
}
