// Idle limits after a restore. The store has forgotten who was active since the backup was made; to count that time
// as idleness would sign out devices that were in use all along, although they were to be kept.
import type { PlatformSettings } from '../config/platforms.ts';
import type { Write } from '../storage/store.ts';
import { patch } from '../storage/store.ts';
import { type DeviceSession, deviceSessions, NEVER_DUE } from './device-session.ts';
import { isIdle, slideIdle } from './lifetimes.ts';
import { earliest } from './new-session.ts';

/** Milliseconds since the epoch. */
export interface ForgottenTime {
  /** The last thing that the store knows of. */
  readonly from: number;
  readonly until: number;
}

/**
 * The write that moves the idle limit on by the forgotten time, but not further than activity now would. None for a
 * session that has no such limit, has ended, or had run idle before.
 */
export function forgiveIdleness(
  session: DeviceSession,
  forgotten: ForgottenTime,
  platforms: Readonly<Record<string, PlatformSettings>>,
): Write[] {
  const { idleUntil, absoluteUntil } = session;
  const { from, until } = forgotten;
  if (session.state !== 'live' || idleUntil === undefined || isIdle(session, from)) return [];

  const active = slideIdle(platforms[session.platform] ?? {}, until, session) ?? Number.POSITIVE_INFINITY;
  const moved = Math.min(idleUntil + Math.max(0, until - from), active, absoluteUntil ?? active);
  if (moved <= idleUntil) return [];

  return [
    patch(deviceSessions, session.id, {
      when: [
        { path: ['state'], is: 'live' },
        { path: ['idleUntil'], is: idleUntil },
      ],
      set: [
        [['idleUntil'], moved],
        [['dueAt'], earliest(moved, absoluteUntil) ?? NEVER_DUE],
      ],
    }),
  ];
}
