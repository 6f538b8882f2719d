// A device session at its start: who, where, how, and until when at most.
import type { PlatformSettings } from '../config/platforms.ts';
import type { AccountId, SessionId } from '../core/ids.ts';
import type { Authentication, Device, DeviceSession } from './device-session.ts';
import { NEVER_DUE } from './device-session.ts';
import { sessionLimits } from './lifetimes.ts';

export interface Beginning {
  id: SessionId;
  accountId: AccountId;
  platform: string;
  device: Device;
  auth: Authentication;
  startedBy: DeviceSession['startedBy'];
  /** Milliseconds since the epoch that this session may not outlive, where its grantor sets one. */
  absoluteUntil?: number;
}

export function newDeviceSession(
  beginning: Beginning,
  context: { now: number; platforms: Readonly<Record<string, PlatformSettings>> },
): DeviceSession & { accountId: AccountId } {
  const { now } = context;
  const settings = context.platforms[beginning.platform] ?? {};
  const limits = sessionLimits(settings, { startedAt: now, now });
  const absoluteUntil = earliest(limits.absoluteUntil, beginning.absoluteUntil);
  return {
    id: beginning.id,
    state: 'live',
    accountId: beginning.accountId,
    platform: beginning.platform,
    device: beginning.device,
    startedAt: now,
    lastActiveAt: now,
    auth: beginning.auth,
    startedBy: beginning.startedBy,
    ...(limits.idleUntil !== undefined && { idleUntil: limits.idleUntil }),
    ...(absoluteUntil !== undefined && { absoluteUntil }),
    dueAt: earliest(limits.idleUntil, absoluteUntil) ?? NEVER_DUE,
    nextApp: 1,
    apps: {},
    todo: [],
  };
}

export function earliest(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
