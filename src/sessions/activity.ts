// Activity: what keeps a session from running idle. Refreshes of its apps, redemptions and visits to
// /authorize count; it is written at most once a minute, mostly along with what is written anyway.
import type { PlatformSettings } from '../config/platforms.ts';
import type { Clock } from '../core/clock.ts';
import type { FieldChange, Store } from '../storage/store.ts';
import { patch } from '../storage/store.ts';
import type { DeviceSession } from './device-session.ts';
import { deviceSessions, NEVER_DUE } from './device-session.ts';
import { activityMoves, slideIdle } from './lifetimes.ts';
import { earliest } from './new-session.ts';

export interface ActivityDeps {
  platforms: Readonly<Record<string, PlatformSettings>>;
}

/** The session's fields after activity at `now`; none within a minute of the last. */
export function activityChanges(deps: ActivityDeps, session: DeviceSession, now: number): FieldChange[] {
  if (!activityMoves(session.lastActiveAt, now)) return [];

  const idleUntil = slideIdle(deps.platforms[session.platform] ?? {}, now, session);
  return [
    [['lastActiveAt'], now],
    [['idleUntil'], idleUntil],
    [['dueAt'], earliest(idleUntil, session.absoluteUntil) ?? NEVER_DUE],
  ];
}

/** Records activity that comes with no other write. Who loses to another writer has nothing to add. */
export async function noteActivity(
  deps: ActivityDeps & { store: Store; clock: Clock },
  session: DeviceSession,
): Promise<void> {
  const set = activityChanges(deps, session, deps.clock.now());
  if (set.length === 0) return;

  const when = [
    { path: ['state'], is: 'live' },
    { path: ['lastActiveAt'], is: session.lastActiveAt },
  ] as const;
  await deps.store.commit([patch(deviceSessions, session.id, { when, set })]);
}
