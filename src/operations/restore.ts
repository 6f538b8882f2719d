// Restoring: the state of a backup becomes the store's, less what must not come back with it (voiding.ts). On SQLite
// all of that is done to a copy beside the database, which takes its place as the very last step: whenever the
// process is killed, either nothing has changed or all of it has. A store of another kind was brought back by its
// own tools, and what is void is taken out of it in place; no server starts on it until that is done.
import { createReadStream, createWriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Config } from '../config/schema.ts';
import { systemClock } from '../core/clock.ts';
import { makePrivateDirectory } from '../core/directories.ts';
import { DomainError } from '../core/errors.ts';
import { randomToken } from '../core/secrets.ts';
import { openKeyring } from '../keys/keyring.ts';
import { masterKeys, requireMasterSecret } from '../keys/master-secret.ts';
import { makeSigningKey } from '../keys/signing-key.ts';
import { recordTypes } from '../records.ts';
import { SWEEPER_LEASE } from '../sessions/sweeper.ts';
import { forgetMove } from '../storage/copy/forgetting.ts';
import { leases, underLease } from '../storage/lease.ts';
import { openMovingStore, openStore } from '../storage/open.ts';
import { isSameFile, refuseNoBackup, syncFile } from '../storage/sqlite/backup.ts';
import {
  type HeldPlace,
  holdPlace,
  removeWithCompanions,
  takeIntoUse,
  unfinishedName,
} from '../storage/sqlite/replacing.ts';
import type { Store } from '../storage/store.ts';
import { type SessionsChoice, type Voiding, voidStore } from './voiding.ts';

export interface RestoreOrder {
  readonly config: Config;
  /** Path of the database file. */
  readonly database: string;
  /** Path of the backup; the database itself where none is named. */
  readonly backup?: string | undefined;
  readonly sessions: SessionsChoice;
  /** Told what the operator should know while it runs. */
  readonly tell: (sentence: string) => void;
}

export interface Restored extends Voiding {
  /** Where the database is that was there before. */
  readonly keptAs?: string;
}

/** What a server loses its lease after. */
const LEASE_MS = 15_000;

/** Throws `DomainError`, whose detail is a sentence for the operator, unless the backup may be restored. */
export function refuseBackup({
  config,
  database,
  backup,
}: Pick<RestoreOrder, 'config' | 'database' | 'backup'>): void {
  requireMasterSecret(config);
  if (backup === undefined) return;

  if (isSameFile(database, backup)) {
    throw refused(`${backup} is the database itself; without a file, strata restore voids what is in it`);
  }
  refuseNoBackup(backup);
}

/** Throws likewise; the database is then as it was. */
export async function restoreFile(order: RestoreOrder): Promise<Restored> {
  const { database, backup, tell } = order;
  refuseBackup(order);
  makePrivateDirectory(dirname(database));
  const place = holdPlace(database);
  const next = unfinishedName(database, randomToken(6));
  try {
    await copyBackup(place, { backup, database, next });
    takeIntoUse(next, backup ?? database);
    const voiding = await voidFile(order, next);
    syncFile(next);
    if (place.kind === 'damaged')
      tell(`${database} is damaged: whether a server has it open cannot be told.`);

    const keptAs = `${database}.replaced-${timeInName()}`;
    place.replaceBy(next, keptAs);
    return { ...voiding, ...(place.kind !== 'free' && { keptAs }) };
  } finally {
    removeWithCompanions(next);
    place.release();
  }
}

/** For a store that its own tools have brought back already. */
export async function restoreInPlace(config: Config, sessions: SessionsChoice): Promise<Voiding> {
  requireMasterSecret(config);
  const place = { url: config.store.url, dataDir: config.dataDir, types: recordTypes };
  await refuseUsed(place);
  await forgetMove(place);
  const store = await openStore(place);
  try {
    return await voidUnused(store, config, sessions);
  } finally {
    await store.close();
  }
}

/** Before anything is touched: a copy that is under way beside servers would be given up by forgetting it. */
async function refuseUsed(place: Parameters<typeof openMovingStore>[0]): Promise<void> {
  const store = await openMovingStore(place);
  try {
    if ((await store.get(leases, SWEEPER_LEASE)) !== undefined) throw used();
  } finally {
    await store.close();
  }
}

/** Servers take turns at a lease, so whoever gets it is alone. */
export async function voidUnused(store: Store, config: Config, sessions: SessionsChoice): Promise<Voiding> {
  const outcome = await underLease(store, SWEEPER_LEASE, { ttlMs: LEASE_MS }, () =>
    voidOpened(store, config, sessions),
  );
  if (outcome.kind === 'busy') throw used();
  return outcome.result;
}

function used(): DomainError {
  return refused(
    `a server uses the store, or did less than ${LEASE_MS / 1000} s ago: stop every server on it, and try again`,
  );
}

async function copyBackup(
  place: HeldPlace,
  { backup, database, next }: { backup: string | undefined; database: string; next: string },
): Promise<void> {
  if (backup !== undefined) {
    await copyFile(backup, next);
    return;
  }
  if (place.kind === 'free') throw refused(`there is no database at ${database}: name the backup to restore`);
  if (place.kind === 'damaged')
    throw refused(`the database ${database} is damaged: name a backup to restore`);
  place.copyTo(next);
}

async function copyFile(from: string, to: string): Promise<void> {
  try {
    await pipeline(createReadStream(from), createWriteStream(to, { flags: 'wx', mode: 0o600 }));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DomainError('store_unavailable', {
      detail: `${from} cannot be copied to ${to}: ${why}`,
      cause,
    });
  }
}

async function voidFile({ config, sessions }: RestoreOrder, file: string): Promise<Voiding> {
  const place = { url: `sqlite:${file}`, dataDir: config.dataDir, types: recordTypes };
  await forgetMove(place);
  const store = await openStore(place);
  try {
    return await voidOpened(store, config, sessions);
  } finally {
    await store.close();
  }
}

/** Throws before anything is written where the master secret does not open the keys. */
async function voidOpened(store: Store, config: Config, sessions: SessionsChoice): Promise<Voiding> {
  const keyring = await openKeyring({
    store,
    clock: store.clock,
    masters: masterKeys(config),
    makeKey: (use) => (use === 'signing' ? makeSigningKey() : undefined),
  });
  return voidStore({ store, keyring, config }, sessions);
}

/** Sorts by time, and is a name on every system. */
function timeInName(): string {
  return new Date(systemClock().now()).toISOString().replaceAll(/[-:]/g, '');
}

function refused(detail: string): DomainError {
  return new DomainError('conflict', { detail });
}
