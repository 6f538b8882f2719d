// What the server and the commands both stand on: the store, the keys in it, the clients, and the way
// passwords are hashed. A command opens the same file as a running server, beside it.
import { accessSync, constants } from 'node:fs';
import { createPasswordHasher, type PasswordHasher } from './accounts/hash-queue.ts';
import { type ClientRegistry, clientRegistry } from './clients/client-registry.ts';
import type { Config } from './config/schema.ts';
import type { Clock } from './core/clock.ts';
import { makePrivateDirectory } from './core/directories.ts';
import { DomainError } from './core/errors.ts';
import { type Keyring, openKeyring } from './keys/keyring.ts';
import { masterKeys } from './keys/master-secret.ts';
import { type Rewrapping, rewrapKeys } from './keys/rewrapping.ts';
import { makeSigningKey } from './keys/signing-key.ts';
import { recordTypes } from './records.ts';
import { openStore, storeFile } from './storage/open.ts';
import { lastRestore, refuseHalfRestored } from './storage/restored.ts';
import type { Store } from './storage/store.ts';

export interface Foundation {
  readonly clock: Clock;
  readonly store: Store;
  readonly keyring: Keyring;
  readonly clients: ClientRegistry;
  readonly passwords: PasswordHasher;
  /** From when on the store remembers all that happened, in ms since the epoch, where it was restored. */
  readonly restoredAt: number | undefined;
  /** Moves all keys from the previous master secret to the current one. */
  rewrapKeys(): Promise<Rewrapping>;
  /** Closes the store, unless it was handed in open. */
  close(): Promise<void>;
}

export interface FoundationOptions {
  /** The store's own unless told. */
  clock?: Clock | undefined;
  /** A store that is open already. */
  store?: Store | undefined;
  /** Told once when the store is lost for good and the process had better end. */
  onStoreLost?: ((error: DomainError) => void) | undefined;
}

/** Throws `DomainError` with `store_unavailable`, whose detail is a sentence for the operator. */
export async function openFoundation(config: Config, options: FoundationOptions = {}): Promise<Foundation> {
  const store = options.store ?? (await openConfiguredStore(config, options));
  const clock = options.clock ?? store.clock;
  const close = async () => {
    if (!options.store) await store.close();
  };
  try {
    const restore = await lastRestore(store);
    refuseHalfRestored(restore);
    const masters = masterKeys(config);
    const keyring = await openKeyring({
      store,
      clock,
      masters,
      makeKey: (use) => (use === 'signing' ? makeSigningKey() : undefined),
    });
    const clients = clientRegistry({ store, clock, keyring });
    return {
      clock,
      store,
      keyring,
      clients,
      passwords: passwordHasher(config),
      restoredAt: restore?.at,
      rewrapKeys: () => rewrapKeys({ store, masters }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openConfiguredStore(
  config: Config,
  { clock, onStoreLost }: FoundationOptions,
): Promise<Store> {
  const { dataDir, store, masterSecret } = config;
  const file = storeFile(store.url, dataDir);
  const needsDirectory = masterSecret === undefined || file?.startsWith(dataDir) === true;
  if (needsDirectory) makeDataDirectory(dataDir);
  return openStore({ url: store.url, dataDir, clock, types: recordTypes, onFatal: onStoreLost });
}

/** For its owner alone: the database and, in development, the master secret lie in it. */
function makeDataDirectory(path: string): void {
  try {
    makePrivateDirectory(path);
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const detail = `the data directory ${path} cannot be used: ${reasonOf(cause)}; name another as STRATA_DATA_DIR or dataDir`;
    throw new DomainError('store_unavailable', { detail, cause });
  }
}

function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return directoryReasons[code] ?? `the system says ${code || String(cause)}`;
}

const directoryReasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EEXIST: 'a file has that name',
  ENOTDIR: 'a file stands where its path wants a directory',
  ENOENT: 'it cannot be made there',
};

function passwordHasher({ passwords }: Config): PasswordHasher {
  const cost = passwords.testCost ? { memoryKiB: 8, passes: 1 } : passwords;
  const { memoryKiB, passes } = cost;
  return createPasswordHasher({
    memoryKiB,
    passes,
    parallel: passwords.parallel,
    queueMax: passwords.queueMax,
  });
}
