// What must be there together, since one commit writes it: looked for in the records of a server that was killed
// or that failed half-way.
import { accounts, loginKeys, logins } from '../../src/accounts/account.ts';
import { authorizationCodes, deviceCodes, type OneTimeCode } from '../../src/grants/one-time-codes.ts';
import { type QrTransaction, qrTransactions } from '../../src/qr/transaction.ts';
import { type DeviceSession, deviceSessions } from '../../src/sessions/device-session.ts';
import { type Roster, rosters } from '../../src/sessions/roster.ts';
import type { RecordType } from '../../src/storage/record-type.ts';
import type { Store } from '../../src/storage/store.ts';

export interface HalfDone {
  /** How many sessions there are. */
  sessions: number;
  /** A sentence for each thing that is there by half. */
  halves: string[];
}

export async function halfDoneIn(store: Store): Promise<HalfDone> {
  const sessions = new Map((await all(store, deviceSessions)).map((session) => [session.id, session]));
  const codes = [...(await all(store, authorizationCodes)), ...(await all(store, deviceCodes))];
  const halves = [
    ...[...sessions.values()].flatMap(halvesOfSession),
    ...halvesOfRosters(await all(store, rosters), sessions),
    ...codes.flatMap((code) => halvesOfCode(code, sessions)),
    ...(await all(store, qrTransactions)).flatMap((each) => halvesOfTransaction(each, sessions)),
    ...(await halvesOfLogins(store)),
  ];
  return { sessions: sessions.size, halves };
}

type Sessions = ReadonlyMap<string, DeviceSession>;

async function all<Body extends object>(store: Store, type: RecordType<Body>): Promise<Body[]> {
  return [...(await byId(store, type)).values()];
}

async function byId<Body extends object>(store: Store, type: RecordType<Body>): Promise<Map<string, Body>> {
  const records = new Map<string, Body>();
  let after: string | undefined;
  do {
    const page = await store.scan(type, { limit: 500, ...(after !== undefined && { after }) });
    for (const { id, body } of page.records) records.set(id, body);
    after = page.next;
  } while (after !== undefined);
  return records;
}

function halvesOfSession(session: DeviceSession): string[] {
  const { id, state, ended, nextApp, apps } = session;
  const complaints = Object.entries(apps).flatMap(([number, { nextChain, chains }]) => [
    ...(Number(number) < nextApp ? [] : [`app ${number} of ${id} has a number that is not given out yet`]),
    ...Object.entries(chains)
      .filter(([chain, { salt, minted }]) => Number(chain) >= nextChain || salt.length === 0 || minted < 1)
      .map(([chain]) => `chain ${chain} of app ${number} of ${id} is not whole`),
  ]);
  const isSound = state === 'live' ? ended === undefined : ended !== undefined;
  return [...complaints, ...(isSound ? [] : [`${id} is ${state} by half`])];
}

function halvesOfRosters(rostersOfAll: readonly Roster[], sessions: Sessions): string[] {
  const listed = new Map(rostersOfAll.flatMap(({ entries }) => entries.map((entry) => [entry.sid, entry])));
  const strangers = [...listed.keys()].filter((sid) => !sessions.has(sid));
  const unlisted = [...sessions.values()].filter(
    ({ id, state, accountId }) => state === 'live' && accountId !== undefined && !listed.has(id),
  );
  return [
    ...strangers.map((sid) => `a roster names ${sid}, which does not exist`),
    ...unlisted.map(({ id }) => `${id} is live and in no roster`),
  ];
}

function halvesOfCode(code: OneTimeCode, sessions: Sessions): string[] {
  const { plan, consumedAt, redeemed } = code;
  if (consumedAt === undefined) {
    const hasStarted = plan?.kind === 'start' && sessions.has(plan.pending.id);
    return hasStarted ? [`${plan.pending.id} has started, and its code was not used`] : [];
  }
  const app = redeemed && sessions.get(redeemed.sessionId)?.apps[redeemed.appNumber];
  const isWhole = app?.chains[redeemed?.chainNumber ?? ''] !== undefined;
  return isWhole ? [] : [`a code was used, and ${redeemed?.sessionId} has nothing of it`];
}

function halvesOfTransaction({ id, state, redeemed }: QrTransaction, sessions: Sessions): string[] {
  if ((state === 'redeemed') !== (redeemed !== undefined)) return [`${id} is ${state} by half`];
  if (!redeemed) return [];

  const session = sessions.get(redeemed.sessionId);
  const isWhole = redeemed.app === undefined ? session : session?.apps[redeemed.app];
  return isWhole ? [] : [`${id} was redeemed, and ${redeemed.sessionId} has nothing of it`];
}

async function halvesOfLogins(store: Store): Promise<string[]> {
  const [people, names] = await Promise.all([all(store, accounts), byId(store, logins)]);
  const known = new Set(people.map(({ id }) => id));
  const wanted = people.flatMap(loginKeys);
  return [
    ...[...names].filter(([, { accountId }]) => !known.has(accountId)).map(([key]) => `${key} is nobody's`),
    ...wanted.filter((key) => !names.has(key)).map((key) => `an account has no login ${key}`),
  ];
}
