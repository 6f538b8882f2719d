// What a restored store must forget, too. A backup brings back everything that could be used once: codes that were
// redeemed since, or that somebody has kept. So all of them are void, and who is in the middle of a sign-in begins
// again. Whether device sessions are kept is for the operator to say.
import assert from 'node:assert/strict';
import { accounts, logins } from '../accounts/account.ts';
import { consents } from '../accounts/consent.ts';
import { clientRecords } from '../clients/client.ts';
import type { Config } from '../config/schema.ts';
import { authorizationCodes, deviceCodes } from '../grants/one-time-codes.ts';
import { type Keyring, keyRecords } from '../keys/keyring.ts';
import {
  accessTokens,
  browserSessions,
  interactions,
  openPayload,
  pushedRequests,
  usedProofs,
} from '../oidc/engine-records.ts';
import { qrTransactions } from '../qr/transaction.ts';
import { recordTypes } from '../records.ts';
import { type DeviceSession, deviceSessions, endOf } from '../sessions/device-session.ts';
import { endAllOfAccount, endSession } from '../sessions/ending.ts';
import { forgiveIdleness } from '../sessions/forgotten-time.ts';
import { revocations } from '../sessions/revocations.ts';
import { rosters } from '../sessions/roster.ts';
import { leases } from '../storage/lease.ts';
import { recordPages } from '../storage/record-pages.ts';
import type { RecordType } from '../storage/record-type.ts';
import { LAST_RESTORE, restores } from '../storage/restored.ts';
import { put, remove, type Store, type Write } from '../storage/store.ts';
import { tickets } from '../tickets/ticket.ts';

/** `asked`: the operator decides, since it is the device sessions or hangs on them. */
export type Fate = 'kept' | 'voided' | 'asked';

/** Of every record type; a test holds it to src/records.ts. */
export const fates: ReadonlyMap<RecordType<object>, Fate> = new Map<RecordType<object>, Fate>([
  // Whatever was revoked since is not revoked in the backup; apps refresh.
  [accessTokens, 'voided'],
  [accounts, 'kept'],
  [authorizationCodes, 'voided'],
  // Good for what their device session is good for; those that belong to none are voided below.
  [browserSessions, 'asked'],
  [clientRecords, 'kept'],
  [consents, 'kept'],
  [deviceCodes, 'voided'],
  [deviceSessions, 'asked'],
  [interactions, 'voided'],
  [keyRecords, 'kept'],
  // They run out by themselves, and one of them is held by the restore.
  [leases, 'kept'],
  [logins, 'kept'],
  [pushedRequests, 'voided'],
  [qrTransactions, 'voided'],
  [restores, 'kept'],
  [revocations, 'kept'],
  // They go with the device sessions: ending these goes by the rosters.
  [rosters, 'asked'],
  [tickets, 'voided'],
  // What was used since is not in it, so it protects nobody (oidc/after-restore.ts does).
  [usedProofs, 'voided'],
]);

/** What becomes of device sessions. */
export type SessionsChoice = 'keep' | 'end';

export interface VoidingDeps {
  store: Store;
  keyring: Keyring;
  config: Pick<Config, 'platforms' | 'sessions'>;
}

export interface Voiding {
  /** How many there were of each record type, by its name; none that had none. */
  readonly voided: ReadonlyMap<string, number>;
  /** Device sessions that are live, or were until now. */
  readonly sessions: number;
}

/** As many as one commit takes. */
const PAGE = 500;
const ENDS_AT_ONCE = 50;
const CAUSE = { reason: 'admin', by: 'admin:restore' } as const;

/** Whatever it did not come to, the next run does; until one has come to its end no server starts on the store. */
export async function voidStore(deps: VoidingDeps, choice: SessionsChoice): Promise<Voiding> {
  const { store, keyring } = deps;
  const unnamed = recordTypes.filter((type) => !fates.has(type)).map(({ name }) => name);
  assert(unnamed.length === 0, `nobody has said what becomes of ${unnamed.join()} in a restore`);

  const at = store.clock.now();
  await store.commit([put(restores, LAST_RESTORE, { state: 'voiding', at })]);
  const voided = await voidRecords(deps);
  const sessions = choice === 'keep' ? await keepSessions(deps, at) : await endSessions(deps);
  // Nonces of the time before make no proof good any more.
  await keyring.rotate('dpop', { leadMs: 0, keepMs: 0 });
  await store.commit([put(restores, LAST_RESTORE, { state: 'done', at })]);
  return { voided, sessions };
}

async function voidRecords({ store, keyring }: VoidingDeps): Promise<ReadonlyMap<string, number>> {
  const voided = new Map<string, number>();
  async function removeAll(type: RecordType<object>, ids: readonly string[]): Promise<void> {
    await commitAll(
      store,
      ids.map((id) => remove(type, id)),
    );
    if (ids.length > 0) voided.set(type.name, (voided.get(type.name) ?? 0) + ids.length);
  }

  for (const [type, fate] of fates) {
    if (fate !== 'voided') continue;
    for await (const page of recordPages(store, type, PAGE))
      await removeAll(
        type,
        page.map(({ id }) => id),
      );
  }
  for await (const page of recordPages(store, browserSessions, PAGE)) {
    // A sign-in that has not come to its end stands for its account by itself.
    const halfWay = page.filter(({ id, body }) => {
      const payload = openPayload(keyring, id, body.sealed);
      return typeof payload?.deviceSessionId !== 'string';
    });
    await removeAll(
      browserSessions,
      halfWay.map(({ id }) => id),
    );
  }
  return voided;
}

async function keepSessions({ store, config }: VoidingDeps, until: number): Promise<number> {
  let from = 0;
  for await (const page of recordPages(store, deviceSessions, PAGE)) {
    from = Math.max(from, ...page.map(({ body }) => body.lastActiveAt));
  }

  let kept = 0;
  for await (const page of recordPages(store, deviceSessions, PAGE)) {
    const live = page.map(({ body }) => body).filter((session) => endOf(session, from) === undefined);
    const writes = live.flatMap((session) => forgiveIdleness(session, { from, until }, config.platforms));
    kept += live.length;
    await commitAll(store, writes);
  }
  return kept;
}

/** Account by account, so that sign-ins that were proven before are refused as well; then those of no account. */
async function endSessions({ store, config }: VoidingDeps): Promise<number> {
  const settings = { tombstonesMs: config.sessions.tombstones, accessTokenMaxMs: 0 };
  const deps = { store, clock: store.clock, settings };
  let ended = 0;

  for await (const page of recordPages(store, rosters, PAGE)) {
    await inTurns(page, async ({ body }) => {
      ended += (await endAllOfAccount(deps, body.accountId, CAUSE)).length;
    });
  }
  for await (const page of recordPages(store, deviceSessions, PAGE)) {
    const left = page.filter(({ body }) => isLive(body, store.clock.now()));
    await inTurns(left, async ({ body }) => {
      if (await endSession(deps, body.id, CAUSE)) ended += 1;
    });
  }
  return ended;
}

function isLive(session: DeviceSession, now: number): boolean {
  return endOf(session, now) === undefined;
}

async function commitAll(store: Store, writes: readonly Write[]): Promise<void> {
  if (writes.length === 0) return;
  const outcome = await store.commit(writes);
  assert(outcome.committed, 'nobody else writes to a store that is being restored');
}

async function inTurns<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += ENDS_AT_ONCE) {
    await Promise.all(items.slice(start, start + ENDS_AT_ONCE).map(work));
  }
}
