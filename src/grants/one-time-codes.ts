// Codes that are redeemed once at the token endpoint. A code carries the device session that it will start:
// until it is redeemed the session is pending, which means that it is nowhere else, so that an abandoned
// sign-in leaves nothing that counts, is listed or must be cleaned up.
import { consentCheck } from '../accounts/consent.ts';
import type { AccountId, SessionId } from '../core/ids.ts';
import { digest } from '../core/secrets.ts';
import type { AppGrant, Authentication, Device, DeviceSession } from '../sessions/device-session.ts';
import { recordType } from '../storage/record-type.ts';
import { patch, type Write } from '../storage/store.ts';

/** A device session that has not started. */
export interface PendingSession {
  id: SessionId;
  accountId: AccountId;
  platform: string;
  device: Device;
  auth: Authentication;
  /** When the account proved itself or approved, in ms since the epoch. */
  authenticatedAt: number;
  startedBy: DeviceSession['startedBy'];
  deviceKey?: string;
  /** Milliseconds since the epoch that this session may not outlive, where its grantor sets one. */
  absoluteUntil?: number;
}

/** What redeeming a code does to device sessions. */
export type SessionPlan = (
  | { kind: 'join'; sessionId: SessionId }
  | { kind: 'start'; pending: PendingSession }
) & {
  grant: AppGrant;
  /** The remembered consent that the grant rests on. */
  consent?: { accountId: AccountId; revision: number };
};

export interface OneTimeCode {
  /** The engine's model, without the code itself. */
  payload: Record<string, unknown>;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  plan?: SessionPlan;
  consumedAt?: number;
  /** What the redemption opened. */
  redeemed?: { sessionId: SessionId; appNumber: string; chainNumber?: string };
}

export interface DeviceCodeRecord extends OneTimeCode {
  id: string;
  clientId: string;
  /** MAC of the code that a person types. */
  userCodeKey: string;
  /** Digest that tells the browser in which the device was confirmed. */
  confirmedIn?: string;
  /** Set by the first answer of a person, approval or refusal. */
  decision?: 'approved' | 'denied';
}

export const authorizationCodes = recordType<OneTimeCode>('authorization_code', { expiresAt: 'expiresAt' });

export const deviceCodes = recordType<DeviceCodeRecord>('device_code', {
  unique: ['userCodeKey'],
  expiresAt: 'expiresAt',
});

/**
 * What every redemption of a code commits: it is consumed by one caller, first in the list, and only while the
 * remembered consent that it was issued on is in force.
 */
export function consumingWrites(
  type: typeof authorizationCodes | typeof deviceCodes,
  code: { id: string; clientId: string; plan: SessionPlan },
  consumed: { now: number; opened: NonNullable<OneTimeCode['redeemed']> },
): Write[] {
  const { consent } = code.plan;
  const consume = patch(type, code.id, {
    when: [{ path: ['consumedAt'], absent: true }],
    set: [
      [['consumedAt'], consumed.now],
      [['redeemed'], consumed.opened],
    ],
  });
  if (!consent) return [consume];

  return [consume, consentCheck({ accountId: consent.accountId, clientId: code.clientId }, consent.revision)];
}

/** Records are found by a digest of the code: the store has nothing that could be redeemed (I7). */
export function codeId(model: string, code: string): string {
  return digest(model, code);
}

/**
 * How long after a redemption the code does not exist for others: requests that lost a race change nothing.
 * A replay that comes later is a theft.
 */
export const RACE_WINDOW_MS = 10_000;
