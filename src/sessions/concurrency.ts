// Who may be signed in where: an ordered list of rules, and one pure function that says whether a sign-in is
// admitted and who has to go for it (I3). The caller commits its answer against the roster it was made from.
// The same function previews a policy before it is in force.
import type { PlatformClass } from '../config/platforms.ts';
import { endReasonAt, type SessionLimits } from './lifetimes.ts';

/**
 * What a rule counts. The fields given narrow each other down. With `clients` it counts (and ends) apps,
 * otherwise whole sessions; `groups` makes it a rule for accounts in one of them.
 */
export interface RuleScope {
  all?: true;
  platforms?: readonly string[];
  classes?: readonly PlatformClass[];
  clients?: readonly string[];
  groups?: readonly string[];
}

/** `oldest` and `least_recent` end what was there; `refuse` ends nothing; `ask` lets the person choose. */
export type VictimPolicy = 'oldest' | 'least_recent' | 'refuse' | 'ask';

export interface ConcurrencyRule {
  count: RuleScope;
  limit: number;
  victim: VictimPolicy;
}

/** One live session of the account: its roster entry, joined with activity and limits of the session. */
export interface CountedSession extends SessionLimits {
  sid: string;
  platform: string;
  class: PlatformClass;
  startedAt: number;
  lastActiveAt: number;
  apps: readonly CountedApp[];
}

export interface CountedApp {
  /** Its key in the session's `apps`. */
  n: string;
  clientId: string;
  startedAt: number;
  lastActiveAt: number;
}

/** A session that would begin, or, where `sid` is among the entries, an app that would be added to it. */
export interface AdmissionCandidate {
  sid: string;
  platform: string;
  class: PlatformClass;
  clientId?: string;
  /** The account's groups. */
  groups: readonly string[];
  /** What ends in the same commit anyway: the predecessor on this device, or whom the person chose. */
  leaving?: readonly Victim[];
}

/** A whole session, or one app of it. */
export interface Victim {
  sid: string;
  app?: string;
}

export type AdmissionDecision =
  | {
      kind: 'admit';
      victims: Victim[];
      /** Entries that a limit has ended already; they are not counted and leave the roster. */
      lapsed: { sid: string; reason: 'idle' | 'expired' }[];
    }
  /** `excess` of the `choices` have to go; longest unused first. */
  | { kind: 'ask'; rule: ConcurrencyRule; choices: Victim[]; excess: number }
  | { kind: 'refuse'; rule: ConcurrencyRule };

/** Always the last rule, so that no account's list of sessions grows without bound (I12). */
export const builtInRule: ConcurrencyRule = { count: { all: true }, limit: 200, victim: 'oldest' };

/** One thing that a rule counts. */
interface Unit {
  victim: Victim;
  startedAt: number;
  lastActiveAt: number;
}

interface Count {
  rule: ConcurrencyRule;
  /** What is there already, the candidate left out. */
  units: Unit[];
  /** Whether the candidate is counted, and whether it is new there. */
  counted: boolean;
  adds: boolean;
}

/**
 * Rules are applied in their order, each on what the ones before it left. A rule with victims holds after
 * every admission, also of what it does not count; `ask` and `refuse` concern only what would add to them.
 */
export function decideAdmission(
  rules: readonly ConcurrencyRule[],
  entries: readonly CountedSession[],
  candidate: AdmissionCandidate,
  now: number,
): AdmissionDecision {
  const lapsed = entries.flatMap((entry) => {
    const reason = entry.sid === candidate.sid ? undefined : endReasonAt(entry, now);
    return reason === undefined ? [] : [{ sid: entry.sid, reason }];
  });
  const live = without(entries, [...lapsed, ...(candidate.leaving ?? [])]);
  const inForce = [...rules, builtInRule].filter(({ count }) => concerns(count, candidate));

  let victims: Victim[] = [];
  for (const rule of inForce) {
    const count = countFor(rule, without(live, victims), candidate);
    const excess = excessOf(count);
    if (excess === 0) continue;
    if (rule.victim === 'refuse' || excess > count.units.length) return { kind: 'refuse', rule };

    const ordered = byClaim(count.units, rule.victim);
    if (rule.victim === 'ask') return { kind: 'ask', rule, choices: ordered, excess };
    victims = [...victims, ...ordered.slice(0, excess)];
  }
  const needed = spareWhoMayStay(inForce, live, candidate, victims);
  return { kind: 'admit', victims: asWholeSessions(live, candidate, needed), lapsed };
}

function concerns(scope: RuleScope, candidate: AdmissionCandidate): boolean {
  return scope.groups === undefined || scope.groups.some((group) => candidate.groups.includes(group));
}

/** The entries that are left when the victims have gone; a session whose last app goes, goes with it. */
function without(entries: readonly CountedSession[], victims: readonly Victim[]): CountedSession[] {
  if (victims.length === 0) return [...entries];

  return entries.flatMap((entry) => {
    const gone = victims.filter(({ sid }) => sid === entry.sid);
    if (gone.some(({ app }) => app === undefined)) return [];
    const apps = entry.apps.filter(({ n }) => !gone.some(({ app }) => app === n));
    return apps.length === 0 && entry.apps.length > 0 ? [] : [{ ...entry, apps }];
  });
}

function countFor(
  rule: ConcurrencyRule,
  entries: readonly CountedSession[],
  candidate: AdmissionCandidate,
): Count {
  const { clients } = rule.count;
  const matching = entries.filter((entry) => matches(rule.count, entry));
  const inScope = matches(rule.count, candidate);
  const present = entries.find(({ sid }) => sid === candidate.sid);

  if (clients === undefined) {
    const units = matching.filter((entry) => entry !== present).map(sessionUnit);
    return { rule, units, counted: inScope, adds: inScope && present === undefined };
  }

  const { clientId } = candidate;
  const counted = inScope && clientId !== undefined && clients.includes(clientId);
  const isCandidate = (entry: CountedSession, app: CountedApp): boolean =>
    entry === present && app.clientId === clientId;
  const units = matching.flatMap((entry) =>
    entry.apps
      .filter((app) => clients.includes(app.clientId) && !isCandidate(entry, app))
      .map((app) => appUnit(entry, app)),
  );
  const adds = counted && !present?.apps.some((app) => app.clientId === clientId);
  return { rule, units, counted, adds };
}

function matches(scope: RuleScope, { platform, class: platformClass }: CountedSession | AdmissionCandidate) {
  return (scope.platforms?.includes(platform) ?? true) && (scope.classes?.includes(platformClass) ?? true);
}

function sessionUnit({ sid, startedAt, lastActiveAt }: CountedSession): Unit {
  return { victim: { sid }, startedAt, lastActiveAt };
}

function appUnit({ sid }: CountedSession, { n, startedAt, lastActiveAt }: CountedApp): Unit {
  return { victim: { sid, app: n }, startedAt, lastActiveAt };
}

/** How many have to go for the rule to hold. */
function excessOf({ rule, units, counted, adds }: Count): number {
  const endsNobody = rule.victim === 'refuse' || rule.victim === 'ask';
  if (endsNobody && !adds) return 0;

  return Math.max(0, units.length + (counted ? 1 : 0) - rule.limit);
}

/** Who goes first stands first; equal times are told apart by id, so that every process decides alike. */
function byClaim(units: readonly Unit[], policy: VictimPolicy): Victim[] {
  const time = (unit: Unit): number => (policy === 'oldest' ? unit.startedAt : unit.lastActiveAt);
  const name = ({ victim }: Unit): string => `${victim.sid} ${victim.app ?? ''}`;
  return units
    .toSorted((a, b) => time(a) - time(b) || (name(a) < name(b) ? -1 : 1))
    .map(({ victim }) => victim);
}

/** A later rule's victim may have done for an earlier rule too; nobody is ended whose end no rule needs. */
function spareWhoMayStay(
  rules: readonly ConcurrencyRule[],
  entries: readonly CountedSession[],
  candidate: AdmissionCandidate,
  victims: readonly Victim[],
): Victim[] {
  const holdsWith = (gone: readonly Victim[]): boolean => {
    const left = without(entries, gone);
    return rules.every((rule) => excessOf(countFor(rule, left, candidate)) === 0);
  };
  return victims.reduce<Victim[]>(
    (needed, victim) => {
      const others = needed.filter((other) => other !== victim);
      return holdsWith(others) ? others : needed;
    },
    [...victims],
  );
}

/** Names a session instead of its apps where none of them stays. */
function asWholeSessions(
  entries: readonly CountedSession[],
  candidate: AdmissionCandidate,
  victims: readonly Victim[],
): Victim[] {
  const staying = new Set(without(entries, victims).map(({ sid }) => sid)).add(candidate.sid);
  const whole = victims.filter(({ sid }) => !staying.has(sid)).map(({ sid }) => sid);
  return [...new Set(whole)]
    .map((sid): Victim => ({ sid }))
    .concat(victims.filter(({ sid }) => staying.has(sid)));
}
