// The sweeper: gives sessions that ran idle or expired the end that they came to, so that whoever must hear
// of it does, and clears what is past its time. It depends on the limits it read: a refresh in between wins.
import type { Clock } from '../core/clock.ts';
import { runLeased } from '../storage/lease.ts';
import type { Store } from '../storage/store.ts';
import { patch } from '../storage/store.ts';
import type { DeviceSession } from './device-session.ts';
import { deviceSessions, endOf } from './device-session.ts';
import { commitEnds, endChanges } from './ending.ts';

export interface SweeperDeps {
  store: Store;
  clock: Clock;
  settings: { tombstonesMs: number };
}

/** Held by one of the servers on the store for as long as any runs. */
export const SWEEPER_LEASE = 'sweeper';

const SESSIONS_AT_ONCE = 100;
const RECORDS_AT_ONCE = 500;
const EVERY_MS = 1_000;
/** A process that is gone is missed for this long; until then nobody sweeps, which nobody notices. */
const LEASE_MS = 15_000;
const RETRY_MS = 5_000;

/** Takes a bite every second until the signal is aborted, in one of all the processes on the store. */
export async function keepSweeping(
  deps: SweeperDeps & { report: (error: unknown) => void },
  stop: AbortSignal,
): Promise<void> {
  await runLeased(
    deps.store,
    {
      name: SWEEPER_LEASE,
      ttlMs: LEASE_MS,
      everyMs: EVERY_MS,
      retryMs: RETRY_MS,
      work: () => sweepOnce(deps),
      report: deps.report,
    },
    stop,
  );
}

/** One bite. Answers whether there may be more to do. */
export async function sweepOnce(deps: SweeperDeps): Promise<boolean> {
  const ended = await endDueSessions(deps);
  const removed = await deps.store.sweep(RECORDS_AT_ONCE);
  return ended === SESSIONS_AT_ONCE || removed === RECORDS_AT_ONCE;
}

async function endDueSessions(deps: SweeperDeps): Promise<number> {
  const now = deps.clock.now();
  const page = await deps.store.list(deviceSessions, 'due', 'live', { limit: SESSIONS_AT_ONCE });
  const due = page.records.filter((session) => session.dueAt <= now);
  await Promise.all(due.map((session) => endDue(deps, session, now)));
  return due.length;
}

async function endDue(deps: SweeperDeps, session: DeviceSession, now: number): Promise<void> {
  const end = endOf(session, now);
  if (!end) return;

  const write = patch(deviceSessions, session.id, {
    when: [
      { path: ['state'], is: 'live' },
      { path: ['dueAt'], is: session.dueAt },
    ],
    set: endChanges({ ...end, at: now }, deps.settings.tombstonesMs),
  });
  await commitEnds(deps.store, [write], [session.id]);
}
