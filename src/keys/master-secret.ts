// The master secret wraps every other key. It comes from the environment or a file; in development it is
// made at the first start. Nothing else of the product keeps a secret outside the database.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deriveKey, randomToken } from '../core/secrets.ts';

export interface MasterSecretSource {
  /** The secret itself, where the configuration found one. */
  masterSecret?: string | undefined;
  /** Directory that gets `master.key` (mode 0600) in development. */
  dataDir: string;
}

/** The 32-byte key that wraps the keyring's keys. */
export function masterKey(source: MasterSecretSource): Buffer {
  return deriveKey(Buffer.from(source.masterSecret ?? developmentSecret(source.dataDir)), 'master');
}

function developmentSecret(dataDir: string): string {
  const file = join(dataDir, 'master.key');
  if (!existsSync(file)) {
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(file, randomToken(32), { mode: 0o600, flag: 'wx' });
  }
  chmodSync(file, 0o600);
  return readFileSync(file, 'utf8').trim();
}
