// Admissions that come at the same moment, and the store without what keeps them apart. Without vitest, so that
// child processes can use it too.
import { platformsSection } from '../../src/config/platforms.ts';
import { type AccountId, newSessionId } from '../../src/core/ids.ts';
import type { AdmissionDeps, Candidate } from '../../src/sessions/admission.ts';
import { deviceSessions } from '../../src/sessions/device-session.ts';
import { newDeviceSession } from '../../src/sessions/new-session.ts';
import { rosters } from '../../src/sessions/roster.ts';
import type { Store } from '../../src/storage/store.ts';
import { forwardingStore } from './forwarding-store.ts';

const DAY = 86_400_000;
const platforms = platformsSection.parse({});

export const admissionTypes = [deviceSessions, rosters];

/** At most `rosterMax` sessions for each account. */
export function admissionDeps(store: Store, rosterMax: number): AdmissionDeps {
  return { store, clock: store.clock, platforms, settings: { rosterMax, tombstonesMs: 90 * DAY } };
}

export function candidateFor(accountId: AccountId, now: number): Candidate {
  const session = newDeviceSession(
    {
      id: newSessionId(),
      accountId,
      platform: 'ios',
      device: { name: 'phone' },
      auth: { time: Math.floor(now / 1000), acr: 'one', amr: ['pwd'] },
      startedBy: { how: 'password' },
    },
    { now, platforms },
  );
  return { session, authenticatedAt: now };
}

/** A store that writes the roster whoever else has: what admission would be without its precondition. */
export function withoutRosterPrecondition(store: Store): Store {
  return forwardingStore(store, {
    commit: (writes) =>
      store.commit(
        writes.map((write) => {
          if (write.type !== rosters) return write;
          if (write.kind === 'insert') return { ...write, kind: 'put' };
          return write.kind === 'patch' ? { ...write, when: [] } : write;
        }),
      ),
  });
}

/** A store whose first commit waits for the others: whoever is at it has read the roster. */
export function meetingAt(store: Store, met: () => Promise<unknown>): Store {
  let isFirst = true;
  return forwardingStore(store, {
    commit: async (writes) => {
      if (isFirst) {
        isFirst = false;
        await met();
      }
      return store.commit(writes);
    },
  });
}

/** Where as many as are told wait for each other, and for what happens then. */
export function meetingPoint(count: number, then: () => Promise<unknown> = async () => undefined) {
  let waiting = 0;
  const met = Promise.withResolvers<unknown>();
  return (): Promise<unknown> => {
    waiting += 1;
    if (waiting === count) then().then(met.resolve, met.reject);
    return met.promise;
  };
}
