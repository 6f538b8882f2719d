// Fills a store with as many records as asked for: people with their logins, rosters and sessions, some of
// whom have many devices, and a few device codes and revocations.
import { accountWrites } from '../src/accounts/account.ts';
import type { AccountId, SessionId } from '../src/core/ids.ts';
import { deviceCodes } from '../src/grants/one-time-codes.ts';
import { deviceSessions } from '../src/sessions/device-session.ts';
import { appRevocation } from '../src/sessions/revocations.ts';
import { emptyRoster, rosterWrite } from '../src/sessions/roster.ts';
import { insert, type Store, type Write } from '../src/storage/store.ts';
import { aDeviceCode, anAccount, aUsedSession, clientId, rosterEntry } from './store-records.ts';

/** What is in the store, as far as the operations need to name it. */
export interface Population {
  readonly records: number;
  readonly sessions: SessionPlace[];
  readonly accountIds: AccountId[];
  /** Accounts with more sessions than a page holds. */
  readonly crowded: AccountId[];
  readonly userCodeKeys: string[];
}

/** A live session. Whoever replaces it writes the new one's id here. */
export interface SessionPlace {
  id: SessionId;
  readonly accountId: AccountId;
}

/** A block is 100 records: 20 accounts with login and roster, 38 sessions, a device code and a revocation. */
const BLOCK = 100;
const BLOCK_ACCOUNTS = 20;
const CROWD = 19;
const BLOCKS_PER_COMMIT = 2;
const COMMITS_AT_ONCE = 8;
const REVOCATION_KEPT_MS = 30 * 86_400_000;

export async function populate(store: Store, records: number): Promise<Population> {
  const population: Population = { records, sessions: [], accountIds: [], crowded: [], userCodeKeys: [] };
  let blocksLeft = Math.ceil(records / BLOCK);

  async function work(): Promise<void> {
    while (blocksLeft > 0) {
      const blocks = Math.min(BLOCKS_PER_COMMIT, blocksLeft);
      blocksLeft -= blocks;
      const writes = Array.from({ length: blocks }, () => block(population, store.clock.now())).flat();
      const outcome = await store.commit(writes);
      if (!outcome.committed) throw new Error(`not loaded: ${outcome.failed.cause}`);
    }
  }
  await Promise.all(Array.from({ length: COMMITS_AT_ONCE }, work));
  return population;
}

function block(population: Population, now: number): Write[] {
  const people = Array.from({ length: BLOCK_ACCOUNTS }, (_, number) =>
    person(population, { sessionsCount: number === 0 ? CROWD : 1, now }),
  );
  const code = aDeviceCode(now);
  const revoked = { sid: population.sessions.at(-1)?.id ?? '', clientId };
  population.userCodeKeys.push(code.userCodeKey);
  return [
    ...people.flat(),
    insert(deviceCodes, code.id, code),
    appRevocation(revoked, { at: now, reason: 'signed_out', by: 'account' }, REVOCATION_KEPT_MS),
  ];
}

function person(
  population: Population,
  { sessionsCount, now }: { sessionsCount: number; now: number },
): Write[] {
  const account = anAccount(now);
  const sessions = Array.from({ length: sessionsCount }, () => aUsedSession(account.id, now));
  const entries = sessions.map((session) => rosterEntry(session));
  population.accountIds.push(account.id);
  if (sessionsCount === CROWD) population.crowded.push(account.id);
  population.sessions.push(...sessions.map(({ id, accountId }) => ({ id, accountId })));
  return [
    ...accountWrites(account),
    rosterWrite(emptyRoster(account.id), { entries, notBefore: 0 }),
    ...sessions.map((session) => insert(deviceSessions, session.id, session)),
  ];
}
