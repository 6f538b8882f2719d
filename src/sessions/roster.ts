// The roster: an account's live sessions in one record. Every admission commits against it, so that no
// interleaving of sign-ins leaves more sessions than the policy allows (I3), and ending all of an account
// moves `notBefore`, so that a half-done sign-in cannot outlive the end.
import type { AccountId, SessionId } from '../core/ids.ts';
import { recordType } from '../storage/record-type.ts';
import type { Write } from '../storage/store.ts';
import { insert, patch } from '../storage/store.ts';

export interface RosterEntry {
  sid: SessionId;
  platform: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** Digest of what makes the device the same again: its installation or its browser. */
  deviceKey?: string;
  apps: { n: string; clientId: string; startedAt: number }[];
}

export interface Roster {
  accountId: AccountId;
  /** Goes up with every write; what an admission depends on. */
  version: number;
  /** Whoever authenticated at or before this time is no longer admitted; ms since the epoch. */
  notBefore: number;
  entries: RosterEntry[];
}

export const rosters = recordType<Roster>('roster', { lifetime: 'session' });

export function emptyRoster(accountId: AccountId): Roster {
  return { accountId, version: 0, notBefore: 0, entries: [] };
}

/** Replaces the roster that was read, unless somebody else did so first. */
export function rosterWrite(before: Roster, after: Pick<Roster, 'entries' | 'notBefore'>): Write {
  const version = before.version + 1;
  if (before.version === 0) {
    return insert(rosters, before.accountId, { ...before, ...after, version });
  }
  return patch(rosters, before.accountId, {
    when: [{ path: ['version'], is: before.version }],
    set: [
      [['version'], version],
      [['entries'], after.entries],
      [['notBefore'], after.notBefore],
    ],
  });
}
