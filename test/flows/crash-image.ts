// What a killed server has left on the disk, looked at in a copy: whether the file is sound, and whether what
// one commit writes together is there together.
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemClock } from '../../src/core/clock.ts';
import { authorizationCodes, type OneTimeCode } from '../../src/grants/one-time-codes.ts';
import { recordTypes } from '../../src/records.ts';
import { type DeviceSession, deviceSessions } from '../../src/sessions/device-session.ts';
import { type Roster, rosters } from '../../src/sessions/roster.ts';
import { openStore } from '../../src/storage/open.ts';
import type { RecordType } from '../../src/storage/record-type.ts';
import type { Store } from '../../src/storage/store.ts';

export interface CrashImage {
  /** `ok` where SQLite finds nothing wrong. */
  integrity: unknown;
  sessions: number;
  /** A sentence for each thing that is there by half. */
  halves: string[];
}

export async function inspectCrashImage(dataDir: string): Promise<CrashImage> {
  const copy = await mkdtemp(join(tmpdir(), 'strata-crash-image-'));
  await cp(dataDir, copy, { recursive: true });
  try {
    const integrity = integrityOf(join(copy, 'strata.db'));
    const store = await openStore({
      url: 'sqlite:strata.db',
      dataDir: copy,
      clock: systemClock(),
      types: recordTypes,
    });
    const sessions = new Map((await all(store, deviceSessions)).map((session) => [session.id, session]));
    const halves = [
      ...[...sessions.values()].flatMap(halvesOfSession),
      ...halvesOfRosters(await all(store, rosters), sessions),
      ...(await all(store, authorizationCodes)).flatMap((code) => halvesOfCode(code, sessions)),
    ];
    await store.close();
    return { integrity, sessions: sessions.size, halves };
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

function integrityOf(file: string): unknown {
  const db = new DatabaseSync(file);
  try {
    return db.prepare('PRAGMA integrity_check').all();
  } finally {
    db.close();
  }
}

async function all<Body extends object>(store: Store, type: RecordType<Body>): Promise<Body[]> {
  const records: Body[] = [];
  let after: string | undefined;
  do {
    const page = await store.scan(type, { limit: 500, ...(after !== undefined && { after }) });
    records.push(...page.records.map(({ body }) => body));
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

function halvesOfRosters(rostersOfAll: readonly Roster[], sessions: ReadonlyMap<string, DeviceSession>) {
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

function halvesOfCode(code: OneTimeCode, sessions: ReadonlyMap<string, DeviceSession>): string[] {
  const { plan, consumedAt, redeemed } = code;
  if (consumedAt === undefined) {
    const hasStarted = plan?.kind === 'start' && sessions.has(plan.pending.id);
    return hasStarted ? [`${plan.pending.id} has started, and its code was not used`] : [];
  }
  const app = redeemed && sessions.get(redeemed.sessionId)?.apps[redeemed.appNumber];
  const isWhole = app?.chains[redeemed?.chainNumber ?? ''] !== undefined;
  return isWhole ? [] : [`a code was used, and ${redeemed?.sessionId} has nothing of it`];
}
