// The keyring: random keys by use, each wrapped by the master secret, so that a copy of the database alone
// forges and opens nothing (I7). Rotating adds a key; older ones go on verifying until they are retired.
// Processes that share a store share the keyring: they read it again when one of them says that it has
// changed, from time to time, and when they meet a key id that they do not know.
import type { Clock } from '../core/clock.ts';
import { DomainError } from '../core/errors.ts';
import { randomKey } from '../core/secrets.ts';
import { recordType } from '../storage/record-type.ts';
import type { Store } from '../storage/store.ts';
import { insert, patch } from '../storage/store.ts';
import type { MasterKeys } from './master-secret.ts';
import { unwrap, wrap } from './wrapping.ts';

/**
 * `refresh`: MACs of refresh tokens. `ticket`: MACs of short codes. `qr`: codes of QR transactions.
 * `cookie`: signatures of cookies. `form`: CSRF tokens. `dpop`: DPoP nonces. `record`: sealed records.
 * `client`: MACs of client secrets. `signing`: private keys of JWTs.
 */
export const keyUses = [
  'refresh',
  'ticket',
  'qr',
  'cookie',
  'form',
  'dpop',
  'record',
  'client',
  'signing',
] as const;

export type KeyUse = (typeof keyUses)[number];

export interface KeyRecord {
  /** `use.number`; numbers count up from 1. */
  id: string;
  use: KeyUse;
  number: number;
  /** The key, AES-256-GCM under a master key. */
  sealed: string;
  /** Id of that master key; records of the first release do not have it. */
  master?: string;
  createdAt: number;
  /** From when on it is used to sign, MAC or seal. */
  activeAt: number;
  /** From when on it no longer verifies. */
  retiredAt?: number;
}

export const keyRecords = recordType<KeyRecord>('key', {
  lifetime: 'lasting',
  indexes: { use: { field: 'use', orderBy: 'number' } },
  expiresAt: 'retiredAt',
});

/** Where wake-ups go when keys of a use were added; the use is their key. */
export const KEYS_TOPIC = 'keys';

export interface Key {
  kid: string;
  use: KeyUse;
  /** Id of the master that wraps it in the store. */
  master: string;
  /** 32 random bytes, or for `signing` a private JWK as UTF-8 JSON. */
  bytes: Buffer;
  createdAt: number;
  activeAt: number;
  retiredAt?: number;
}

export interface Keyring {
  /** The newest key that is active. */
  current(use: KeyUse): Key;
  find(use: KeyUse, kid: string): Key | undefined;
  /** Newest first; those that are not active yet are among them. */
  all(use: KeyUse): readonly Key[];
  /** Adds a key that becomes active after the lead. Throws `conflict` where another process does so just now. */
  rotate(use: KeyUse, schedule: RotationSchedule): Promise<Key>;
  /** Reads the keys again as they are from now on; calls that overlap share it. Resolves to whether anything changed. */
  reload(): Promise<boolean>;
}

export interface RotationSchedule {
  /** How long the new key is only known before it is used, in ms: so that every process and cache has it. */
  leadMs: number;
  /** How long those before it verify once it is used, in ms; for ever where absent. */
  keepMs?: number;
}

export interface KeyringDeps {
  store: Store;
  clock: Clock;
  masters: MasterKeys;
  /** Makes the key material of one use. */
  makeKey?: (use: KeyUse) => Buffer | undefined;
}

const KEYS_PER_USE_MAX = 100;

/** Opens the keyring and makes the first key of each use that has none. */
export async function openKeyring(deps: KeyringDeps): Promise<Keyring> {
  let keys = new Map<KeyUse, readonly Key[]>();
  let reading: Promise<boolean> | undefined;
  let nextReading: Promise<boolean> | undefined;

  async function read(): Promise<boolean> {
    const fresh = new Map<KeyUse, readonly Key[]>();
    for (const use of keyUses) fresh.set(use, await readKeys(deps, use));
    const changed = fingerprint(fresh) !== fingerprint(keys);
    // The same keys stay the same objects: what others have made of them is good until they change.
    if (changed) keys = fresh;
    return changed;
  }

  function reload(): Promise<boolean> {
    if (reading) {
      // It began before this call and may have missed what the caller heard of.
      nextReading ??= reading.then(readNext, readNext);
      return nextReading;
    }
    reading = read().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  function readNext(): Promise<boolean> {
    nextReading = undefined;
    return reload();
  }

  function all(use: KeyUse): readonly Key[] {
    return keys.get(use) ?? [];
  }

  function current(use: KeyUse): Key {
    const now = deps.clock.now();
    const key = all(use).find((candidate) => candidate.activeAt <= now) ?? all(use).at(-1);
    if (!key) throw new DomainError('store_unavailable', { detail: `there is no key for ${use}` });
    return key;
  }

  async function rotate(use: KeyUse, schedule: RotationSchedule): Promise<Key> {
    const number = await addKey(deps, use, all(use), schedule);
    await reload();
    const added = all(use).find(({ kid }) => kid === String(number));
    if (!added) throw new DomainError('store_unavailable', { detail: `the new key for ${use} is gone` });
    return added;
  }

  // Before anything is made: where the master secret is another one, the store stays as it is.
  await reload();
  if (await makeFirstKeys(deps, all)) await reload();
  return {
    all,
    current,
    reload,
    rotate,
    find: (use, kid) => all(use).find((key) => key.kid === kid),
  };
}

async function makeFirstKeys(deps: KeyringDeps, all: Keyring['all']): Promise<boolean> {
  const missing = keyUses.filter((use) => all(use).length === 0);
  for (const use of missing) {
    // A process that starts at the same moment may insert it first; either key serves.
    await deps.store.commit([insertion(deps, use, { number: 1, activeAt: deps.clock.now() })]);
  }
  return missing.length > 0;
}

async function readKeys(deps: KeyringDeps, use: KeyUse): Promise<readonly Key[]> {
  const page = await deps.store.list(keyRecords, 'use', use, { limit: KEYS_PER_USE_MAX, newestFirst: true });
  return page.records.map((record) => ({
    kid: String(record.number),
    use,
    ...unwrap(deps.masters, record),
    createdAt: record.createdAt,
    activeAt: record.activeAt,
    ...(record.retiredAt !== undefined && { retiredAt: record.retiredAt }),
  }));
}

/** The number of the new key. */
async function addKey(
  deps: KeyringDeps,
  use: KeyUse,
  existing: readonly Key[],
  { leadMs, keepMs }: RotationSchedule,
): Promise<number> {
  if (existing.length >= KEYS_PER_USE_MAX) {
    throw new DomainError('conflict', { detail: `there are ${existing.length} keys for ${use} already` });
  }

  const activeAt = deps.clock.now() + leadMs;
  const number = Math.max(0, ...existing.map((key) => Number(key.kid))) + 1;
  const retiring = existing
    .filter((key) => keepMs !== undefined && key.retiredAt === undefined)
    .map((key) =>
      patch(keyRecords, `${use}.${key.kid}`, { set: [[['retiredAt'], activeAt + (keepMs ?? 0)]] }),
    );

  const outcome = await deps.store.commit([insertion(deps, use, { number, activeAt }), ...retiring]);

  if (!outcome.committed) {
    throw new DomainError('conflict', { detail: `another process rotates the keys for ${use} right now` });
  }
  deps.store.notify(KEYS_TOPIC, use);
  return number;
}

function insertion(deps: KeyringDeps, use: KeyUse, key: { number: number; activeAt: number }) {
  const id = `${use}.${key.number}`;
  const bytes = deps.makeKey?.(use) ?? randomKey();
  return insert(keyRecords, id, {
    id,
    use,
    number: key.number,
    ...wrap(deps.masters.current, id, bytes),
    createdAt: deps.clock.now(),
    activeAt: key.activeAt,
  });
}

function fingerprint(keys: Map<KeyUse, readonly Key[]>): string {
  return [...keys.values()]
    .flat()
    .map((key) => `${key.use}.${key.kid}.${key.retiredAt ?? ''}`)
    .join();
}
