// Admission: how a device session becomes live. One commit inserts it, changes the account's roster, ends
// whom it replaces, and carries whatever else must happen with it (the redemption of a code, say), all or
// nothing (I2, I3).
import type { Clock } from '../core/clock.ts';
import { DomainError } from '../core/errors.ts';
import type { AccountId, SessionId } from '../core/ids.ts';
import type { FailedPrecondition, Store, Write } from '../storage/store.ts';
import { insert } from '../storage/store.ts';
import type { DeviceSession, EndReason } from './device-session.ts';
import { deviceSessions, endOf } from './device-session.ts';
import { endWrite } from './ending.ts';
import type { Roster, RosterEntry } from './roster.ts';
import { emptyRoster, rosters, rosterWrite } from './roster.ts';

export interface AdmissionDeps {
  store: Store;
  clock: Clock;
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
  /** Everything of the account was ended since it authenticated. */
  | { kind: 'too_late' };

/** Admissions of one account that come at the same moment try again in turn. */
const ATTEMPTS_MAX = 64;

export async function admit(
  deps: AdmissionDeps,
  candidate: Candidate,
  together: readonly Write[] = [],
): Promise<AdmissionOutcome> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const accountId = candidate.session.accountId;
    const roster = (await deps.store.get(rosters, accountId)) ?? emptyRoster(accountId);
    if (candidate.authenticatedAt <= roster.notBefore) return { kind: 'too_late' };

    const victims = await liveVictims(deps, victimsOf(deps, roster, candidate));
    const writes = admissionWrites(deps, { roster, candidate, victims });
    const outcome = await deps.store.commit([...together, ...writes]);

    if (outcome.committed) return { kind: 'admitted', replaced: victims.map(({ entry }) => entry.sid) };
    if (outcome.failed.index < together.length) return { kind: 'lost', failed: outcome.failed };
  }
  throw new DomainError('overloaded', { detail: 'too many sign-ins of one account', retryAfterSeconds: 1 });
}

interface Victim {
  entry: RosterEntry;
  reason: EndReason;
  /** Found ended already: it only leaves the roster. */
  stale?: boolean;
}

/** The same device again first, then the longest signed in while there are too many. */
function victimsOf(deps: AdmissionDeps, roster: Roster, candidate: Candidate): Victim[] {
  const { deviceKey } = candidate;
  const same = roster.entries.filter((entry) => deviceKey !== undefined && entry.deviceKey === deviceKey);
  const others = roster.entries.filter((entry) => !same.includes(entry));
  const excess = Math.max(0, others.length + 1 - deps.settings.rosterMax);
  const oldest = others.toSorted((a, b) => a.startedAt - b.startedAt).slice(0, excess);
  return [
    ...same.map((entry) => ({ entry, reason: 'replaced' as const })),
    ...oldest.map((entry) => ({ entry, reason: 'policy' as const })),
  ];
}

async function liveVictims(deps: AdmissionDeps, victims: Victim[]): Promise<Victim[]> {
  return Promise.all(
    victims.map(async (victim) => {
      const session = await deps.store.get(deviceSessions, victim.entry.sid);
      const stale = session === undefined || endOf(session, deps.clock.now()) !== undefined;
      return { ...victim, stale };
    }),
  );
}

function admissionWrites(
  deps: AdmissionDeps,
  admission: { roster: Roster; candidate: Candidate; victims: Victim[] },
): Write[] {
  const { roster, candidate, victims } = admission;
  const { session } = candidate;
  const gone = new Set(victims.map(({ entry }) => entry.sid));
  const entry: RosterEntry = {
    sid: session.id,
    platform: session.platform,
    startedAt: session.startedAt,
    ...(candidate.deviceKey !== undefined && { deviceKey: candidate.deviceKey }),
    apps: Object.entries(session.apps).map(([n, { clientId, startedAt }]) => ({ n, clientId, startedAt })),
  };
  const entries = [...roster.entries.filter(({ sid }) => !gone.has(sid)), entry];
  const now = deps.clock.now();
  const ends = victims
    .filter(({ stale }) => !stale)
    .map(({ entry: { sid }, reason }) =>
      endWrite(sid, { at: now, reason, by: session.id }, deps.settings.tombstonesMs),
    );
  return [
    insert(deviceSessions, session.id, session),
    rosterWrite(roster, { entries, notBefore: roster.notBefore }),
    ...ends,
  ];
}
