// Ending: one conditional write to the session ends everything on its device, with the reason (I1, I8).
// What must hear of it stands in the session's `todo` and is done by workers, also after a crash.
import type { Clock } from '../core/clock.ts';
import { DomainError } from '../core/errors.ts';
import type { AccountId, SessionId } from '../core/ids.ts';
import type { CommitOutcome, Store, Write } from '../storage/store.ts';
import { patch } from '../storage/store.ts';
import type { DeviceSession, End } from './device-session.ts';
import { deviceSessions, endOf, liveApps } from './device-session.ts';
import { appRevocation } from './revocations.ts';
import { emptyRoster, type Roster, rosters, rosterWrite } from './roster.ts';

export interface EndingDeps {
  store: Store;
  clock: Clock;
  settings: {
    /** How long an ended session can still tell its reason, in ms. */
    tombstonesMs: number;
    /** Longest life of an access token, with jitter and tolerance, in ms. */
    accessTokenMaxMs: number;
  };
}

export type EndCause = Pick<End, 'reason' | 'by'>;

/** Where wake-ups go after the commit that has ended a session or an app in it; the session is their key. */
export const SESSIONS_TOPIC = 'sessions';

const ATTEMPTS_MAX = 16;

/** Commits writes that end these sessions, or apps in them, and wakes those who pass that on. */
export async function commitEnds(
  store: Pick<Store, 'commit' | 'notify'>,
  writes: readonly Write[],
  ended: readonly SessionId[],
): Promise<CommitOutcome> {
  const outcome = await store.commit(writes);
  if (outcome.committed) for (const id of ended) store.notify(SESSIONS_TOPIC, id);
  return outcome;
}

/** The write that ends a session which is live, and no other. */
export function endWrite(sessionId: SessionId, end: End, tombstonesMs: number): Write {
  return patch(deviceSessions, sessionId, {
    when: [{ path: ['state'], is: 'live' }],
    set: endChanges(end, tombstonesMs),
  });
}

/** Ends a session. Answers false when it was not live. */
export async function endSession(deps: EndingDeps, sessionId: SessionId, cause: EndCause): Promise<boolean> {
  const end = { ...cause, at: deps.clock.now() };
  const write = endWrite(sessionId, end, deps.settings.tombstonesMs);
  const outcome = await commitEnds(deps.store, [write], [sessionId]);
  return outcome.committed;
}

/** Ends one app of a session; in a session with no other live app, the session, unless that is to stay. */
export async function endApp(
  deps: EndingDeps,
  app: { sessionId: SessionId; appNumber: string; sessionStays?: boolean },
  cause: EndCause,
): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const session = await deps.store.get(deviceSessions, app.sessionId);
    const end = { ...cause, at: deps.clock.now() };
    const found = session?.apps[app.appNumber];
    if (session?.state !== 'live' || !found || found.ended) return false;

    const writes = endAppWrites(deps, session, { ...app, end });
    const outcome = await commitEnds(deps.store, writes, [session.id]);
    if (outcome.committed) return true;
  }
  throw new DomainError('overloaded', { detail: 'the session keeps changing', retryAfterSeconds: 1 });
}

/**
 * Ends every live session of an account, and refuses whoever authenticated before now. What `together` asks
 * for goes into the same commit; it is asked again when something it depends on has moved.
 */
export async function endAllOfAccount(
  deps: Pick<EndingDeps, 'store' | 'clock'> & { settings: Pick<EndingDeps['settings'], 'tombstonesMs'> },
  accountId: AccountId,
  cause: EndCause & { keep?: SessionId },
  together: () => Promise<readonly Write[]> = async () => [],
): Promise<SessionId[]> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const roster = (await deps.store.get(rosters, accountId)) ?? emptyRoster(accountId);
    const now = deps.clock.now();
    const live = await liveSessionsIn(deps, roster);
    const ending = live.filter(({ id }) => id !== cause.keep);
    const entries = roster.entries.filter(({ sid }) => sid === cause.keep);
    const end: End = { at: now, reason: cause.reason, by: cause.by };
    const ids = ending.map(({ id }) => id);

    const writes = [
      ...(await together()),
      rosterWrite(roster, { entries, notBefore: now }),
      ...ids.map((id) => endWrite(id, end, deps.settings.tombstonesMs)),
    ];
    const outcome = await commitEnds(deps.store, writes, ids);
    if (outcome.committed) return ids;
  }
  throw new DomainError('overloaded', { detail: 'the account keeps changing', retryAfterSeconds: 1 });
}

/**
 * The live sessions of an account, the newest first. The roster names them: an index of all the account's
 * sessions would have ended ones between them, without a bound.
 */
export async function liveSessionsOf(
  deps: Pick<EndingDeps, 'store' | 'clock'>,
  accountId: AccountId,
): Promise<DeviceSession[]> {
  const roster = await deps.store.get(rosters, accountId);
  return roster ? liveSessionsIn(deps, roster) : [];
}

async function liveSessionsIn(
  deps: Pick<EndingDeps, 'store' | 'clock'>,
  roster: Roster,
): Promise<DeviceSession[]> {
  const sessions = await Promise.all(roster.entries.map(({ sid }) => deps.store.get(deviceSessions, sid)));
  const now = deps.clock.now();
  return sessions
    .filter((session) => session !== undefined)
    .filter((session) => endOf(session, now) === undefined)
    .toSorted((a, b) => b.startedAt - a.startedAt);
}

function endAppWrites(
  deps: EndingDeps,
  session: DeviceSession,
  ending: { appNumber: string; sessionStays?: boolean; end: End },
): Write[] {
  const { appNumber, sessionStays, end } = ending;
  const others = liveApps(session).filter(([number]) => number !== appNumber);
  const unchanged = [
    { path: ['state'], is: 'live' },
    { path: ['nextApp'], is: session.nextApp },
    { path: ['apps', appNumber, 'ended'], absent: true },
  ] as const;
  if (others.length === 0 && !sessionStays) {
    const set = endChanges(end, deps.settings.tombstonesMs);
    return [patch(deviceSessions, session.id, { when: unchanged, set })];
  }

  const clientId = session.apps[appNumber]?.clientId ?? '';
  // Two apps that end at the same moment must not each leave the session to the other.
  const isNotLast = (sessionStays ? [] : others)
    .slice(0, 1)
    .map(([other]) => ({ path: ['apps', other, 'ended'], absent: true }) as const);
  return [
    patch(deviceSessions, session.id, {
      when: [...unchanged, ...isNotLast],
      set: [[['apps', appNumber, 'ended'], end]],
    }),
    appRevocation({ sid: session.id, clientId }, end, deps.settings.accessTokenMaxMs),
  ];
}

/** What ending writes to a session. */
export function endChanges(end: End, tombstonesMs: number) {
  return [
    [['state'], 'ended'],
    [['ended'], end],
    [['todo'], ['notice']],
    [['purgeAt'], end.at + tombstonesMs],
  ] as const;
}
