// The master secret wraps every other key. It comes from the environment or a file; in development it is
// made at the first start. Nothing else of the product keeps a secret outside the database. While one is
// replaced by another, the one before it still opens what it has wrapped (keys/rewrapping.ts).
import { chmodSync, existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makePrivateDirectory } from '../core/directories.ts';
import { DomainError } from '../core/errors.ts';
import { deriveKey, randomToken } from '../core/secrets.ts';

export interface MasterSecretSource {
  /** The secret itself, where the configuration found one. */
  masterSecret?: string | undefined;
  /** The one that it replaces, as long as there may be keys that are wrapped by it. */
  previousMasterSecret?: string | undefined;
  /** Directory that gets `master.key` (mode 0600) in development. */
  dataDir: string;
}

export interface MasterKey {
  /** What operators and records call it; neither the secret nor the key can be had from it. */
  readonly id: string;
  /** 32 bytes. */
  readonly bytes: Buffer;
}

/** What wraps the keyring's keys. */
export interface MasterKeys {
  readonly current: MasterKey;
  /** Opens and never wraps. */
  readonly previous?: MasterKey;
}

/** Of the file in the data directory. */
const FILE_NAME = 'master.key';
const LENGTH_MIN = 32;
/** Of hexadecimal digits: enough that no two secrets of one operator have the same id. */
const ID_LENGTH = 12;

export function masterKeys(source: MasterSecretSource): MasterKeys {
  const { previousMasterSecret: previous } = source;
  return {
    current: masterKeyOf(source.masterSecret ?? developmentSecret(source.dataDir)),
    ...(previous !== undefined && { previous: masterKeyOf(previous) }),
  };
}

export function masterKeyOf(secret: string): MasterKey {
  const bytes = Buffer.from(secret);
  const id = deriveKey(bytes, 'master id').toString('hex').slice(0, ID_LENGTH);
  return { id: `mk_${id}`, bytes: deriveKey(bytes, 'master') };
}

/** Throws `store_unavailable` where there is none yet, for those who must not make one. */
export function requireMasterSecret({ masterSecret, dataDir }: MasterSecretSource): void {
  const file = join(dataDir, FILE_NAME);
  if (masterSecret !== undefined || existsSync(file)) return;

  const detail = `no master secret is set, and there is none in ${file}: put the one there that belongs to the backup`;
  throw new DomainError('store_unavailable', { detail });
}

function developmentSecret(dataDir: string): string {
  const file = join(dataDir, FILE_NAME);
  const kept = read(file);
  if (kept !== undefined) return longEnough(kept, file);

  makePrivateDirectory(dataDir);
  makeOnce(file, randomToken(32));
  return longEnough(readFileSync(file, 'utf8').trim(), file);
}

/** A file that was cut off or emptied is no reason to wrap keys with what everybody can guess. */
function longEnough(secret: string, file: string): string {
  if (secret.length >= LENGTH_MIN) return secret;

  const detail = `${file} has fewer than ${LENGTH_MIN} characters and is no master secret; put the right one back, or remove it together with the database`;
  throw new DomainError('store_unavailable', { detail });
}

function read(file: string): string | undefined {
  try {
    chmodSync(file, 0o600);
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Written aside and linked whole: a process that starts at the same moment finds all of it or nothing. */
function makeOnce(file: string, secret: string): void {
  const aside = `${file}.${randomToken(6)}`;
  writeFileSync(aside, secret, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(aside, file);
  } catch (error) {
    // The other process was first, and its secret is the one.
    if (!isCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(aside);
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
