// What is asked of the store, as the product asks it. `prepare` reads and makes whatever the steps need, outside
// of the measurement; a step is one call of the store.
import { randomFraction, randomToken } from '../src/core/secrets.ts';
import { authorizationCodes, consumingWrites, deviceCodes } from '../src/grants/one-time-codes.ts';
import { accessTokens, usedProofs } from '../src/oidc/engine-records.ts';
import { deviceSessions } from '../src/sessions/device-session.ts';
import { endWrite } from '../src/sessions/ending.ts';
import { revocations } from '../src/sessions/revocations.ts';
import { rosters, rosterWrite } from '../src/sessions/roster.ts';
import { insert, patch, remove, type Store, type Write } from '../src/storage/store.ts';
import type { Population, SessionPlace } from './store-population.ts';
import {
  aCode,
  aNewSession,
  anAccessToken,
  aPendingSession,
  aUsedSession,
  chainPath,
  clientId,
  refreshOf,
  rosterEntry,
} from './store-records.ts';

export interface Populated {
  readonly store: Store;
  readonly population: Population;
}

export type Step = () => Promise<void>;

export interface StoreOperation {
  readonly name: string;
  /** Asked one at a time by whoever asks it. */
  readonly alone?: true;
  /** MongoDB does it by itself. */
  readonly sqliteOnly?: true;
  /** `count` steps that do not stand in each other's way. */
  prepare(place: Populated, count: number): Promise<Step[]>;
}

export const PAGE = 16;
export const BITE = 100;
const TOMBSTONES_MS = 90 * 86_400_000;
const LOAD_WRITES = 400;

export const storeOperations: readonly StoreOperation[] = [
  { name: 'get by id', prepare: getById },
  { name: 'find by unique value', prepare: findByUnique },
  { name: `list by index, page of ${PAGE}`, prepare: listPage },
  { name: 'insert', prepare: insertOne },
  { name: 'conditional patch (refresh)', prepare: refresh },
  { name: 'admission, 4 writes', prepare: admission },
  { name: 'consume + insert', prepare: consumeAndInsert },
  { name: 'remove', prepare: removeOne },
  { name: `sweep, bite of ${BITE}`, alone: true, sqliteOnly: true, prepare: sweepBite },
];

async function getById({ store, population }: Populated, count: number): Promise<Step[]> {
  return someOf(population.sessions, count).map(({ id }) => async () => {
    expectFound(await store.get(deviceSessions, id));
  });
}

async function findByUnique({ store, population }: Populated, count: number): Promise<Step[]> {
  return someOf(population.userCodeKeys, count).map((key) => async () => {
    expectFound(await store.find(deviceCodes, 'userCodeKey', key));
  });
}

async function listPage({ store, population }: Populated, count: number): Promise<Step[]> {
  return someOf(population.crowded, count).map((accountId) => async () => {
    const { records } = await store.list(deviceSessions, 'account', accountId, { limit: PAGE });
    if (records.length !== PAGE) throw new Error(`a page of ${records.length}`);
  });
}

async function insertOne({ store, population }: Populated, count: number): Promise<Step[]> {
  return someOf(population.accountIds, count).map((accountId) => {
    const session = aUsedSession(accountId, store.clock.now());
    return commitStep(store, [insert(deviceSessions, session.id, session)]);
  });
}

/** As the refresh grant commits it. */
export async function refresh({ store, population }: Populated, count: number): Promise<Step[]> {
  const now = store.clock.now();
  return inBatches(someOf(population.sessions, count), async ({ id }) => {
    const session = expectFound(await store.get(deviceSessions, id));
    const { revision, set } = refreshOf(session, now);
    const when = [
      { path: ['state'], is: 'live' },
      { path: ['apps', '1', 'ended'], absent: true },
      { path: [...chainPath, 'revision'], is: revision },
    ] as const;
    return commitStep(store, [patch(deviceSessions, id, { when, set })]);
  });
}

/** A sign-in on a device that was signed in: code, new session, roster, and the end of the one before it. */
async function admission({ store, population }: Populated, count: number): Promise<Step[]> {
  const now = store.clock.now();
  const codes = ofDistinctAccounts(population, count).map((before) => {
    const pending = aPendingSession(before.accountId, now);
    return { id: randomToken(32), before, pending, code: aCode(pending, now) };
  });
  await load(
    store,
    codes.map(({ id, code }) => insert(authorizationCodes, id, code)),
  );

  return inBatches(codes, async ({ id, before, pending }) => {
    const session = aNewSession(pending, now);
    const roster = expectFound(await store.get(rosters, pending.accountId));
    const replaced = before.id;
    before.id = session.id;
    const staying = roster.entries.filter(({ sid }) => sid !== replaced);
    const plan = { kind: 'start', pending, grant: { openid: '', resources: {} } } as const;
    const opened = { sessionId: session.id, appNumber: '1', chainNumber: '1' };
    const entries = [...staying, rosterEntry(session, pending.deviceKey)];
    const end = { at: now, reason: 'replaced', by: session.id } as const;
    return commitStep(store, [
      ...consumingWrites(authorizationCodes, { id, clientId, plan }, { now, opened }),
      insert(deviceSessions, session.id, session),
      rosterWrite(roster, { entries, notBefore: roster.notBefore }),
      endWrite(replaced, end, TOMBSTONES_MS),
    ]);
  });
}

async function consumeAndInsert({ store, population }: Populated, count: number): Promise<Step[]> {
  const now = store.clock.now();
  const codes = someOf(population.sessions, count).map((session) => {
    const pending = aPendingSession(session.accountId, now);
    return { id: randomToken(32), session, code: aCode(pending, now), pending };
  });
  await load(
    store,
    codes.map(({ id, code }) => insert(authorizationCodes, id, code)),
  );

  return codes.map(({ id, session, pending }) => {
    const plan = { kind: 'start', pending, grant: { openid: '', resources: {} } } as const;
    const opened = { sessionId: session.id, appNumber: '1', chainNumber: '1' };
    return commitStep(store, [
      ...consumingWrites(authorizationCodes, { id, clientId, plan }, { now, opened }),
      insert(accessTokens, randomToken(32), anAccessToken(session, now)),
    ]);
  });
}

async function removeOne({ store }: Populated, count: number): Promise<Step[]> {
  const now = store.clock.now();
  const ids = Array.from({ length: count }, () => randomToken(16));
  const end = { at: now, reason: 'signed_out', by: 'account' } as const;
  const selector = { kind: 'token', jti: randomToken(16) } as const;
  const keepUntil = now + TOMBSTONES_MS;
  await load(
    store,
    ids.map((id) => insert(revocations, id, { id, selector, ...end, todo: ['feed'], keepUntil })),
  );
  return ids.map((id) => commitStep(store, [remove(revocations, id, [{ path: ['at'], present: true }])]));
}

async function sweepBite({ store }: Populated, count: number): Promise<Step[]> {
  const expiresAt = store.clock.now() - 1;
  const proofs = Array.from({ length: count * BITE }, () => randomToken(32));
  await load(
    store,
    proofs.map((id) => insert(usedProofs, id, { expiresAt })),
  );
  return Array.from({ length: count }, () => async () => {
    const swept = await store.sweep(BITE);
    if (swept !== BITE) throw new Error(`swept ${swept}`);
  });
}

function commitStep(store: Store, writes: readonly Write[]): Step {
  return async () => {
    const outcome = await store.commit(writes);
    if (!outcome.committed) throw new Error(`not committed: ${JSON.stringify(outcome.failed)}`);
  };
}

async function load(store: Store, writes: readonly Write[]): Promise<void> {
  for (let from = 0; from < writes.length; from += LOAD_WRITES) {
    await commitStep(store, writes.slice(from, from + LOAD_WRITES))();
  }
}

/** Reads what many steps need, without asking for all of it at once. */
async function inBatches<Item, Made>(
  items: readonly Item[],
  make: (item: Item) => Promise<Made>,
): Promise<Made[]> {
  const made: Made[] = [];
  for (let from = 0; from < items.length; from += LOAD_WRITES) {
    made.push(...(await Promise.all(items.slice(from, from + LOAD_WRITES).map(make))));
  }
  return made;
}

/** Sign-ins of one account wait for each other, and it is not that which is measured. */
function ofDistinctAccounts({ sessions }: Population, count: number): SessionPlace[] {
  const some = someOf(sessions, count * 4);
  return [...new Map(some.map((session) => [session.accountId, session])).values()].slice(0, count);
}

/** So many of them, none twice as long as there are enough. */
function someOf<Item>(items: readonly Item[], count: number): Item[] {
  const places = new Set<number>();
  while (places.size < Math.min(count, items.length)) places.add(Math.floor(randomFraction() * items.length));
  const chosen = [...places].map((place) => items[place]).filter((item) => item !== undefined);
  return Array.from({ length: count }, (_, number) => chosen[number % chosen.length]).filter(
    (item) => item !== undefined,
  );
}

function expectFound<Found>(found: Found | undefined): Found {
  if (found === undefined) throw new Error('a record that must be there is not');
  return found;
}
