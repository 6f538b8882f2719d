// What the tests of accounts are made of: a store in memory, hashes that cost next to nothing, one MAC key.
import { tmpdir } from 'node:os';
import { onTestFinished } from 'vitest';
import { accounts, logins } from '../../src/accounts/account.ts';
import { consents } from '../../src/accounts/consent.ts';
import { createPasswordHasher, type PasswordHasher } from '../../src/accounts/hash-queue.ts';
import type { Clock } from '../../src/core/clock.ts';
import { openStore } from '../../src/storage/open.ts';
import { type MacKeys, tickets } from '../../src/tickets/ticket.ts';
import { type CountingStore, countingStore } from '../support/counting-store.ts';

export async function memoryStore(clock: Clock): Promise<CountingStore> {
  const types = [accounts, logins, consents, tickets];
  const store = await openStore({ url: 'sqlite::memory:', dataDir: tmpdir(), clock, types });
  onTestFinished(() => store.close());
  return countingStore(store);
}

export function cheapPasswords(): PasswordHasher {
  return createPasswordHasher({ memoryKiB: 8, passes: 1, queueMax: 100 });
}

/** The same hasher, and how many hashes it computed. */
export function countingPasswords(passwords: PasswordHasher): PasswordHasher & { hashes(): number } {
  let hashes = 0;
  return {
    hashes: () => hashes,
    needsRehash: (hash) => passwords.needsRehash(hash),
    hash(password) {
      hashes += 1;
      return passwords.hash(password);
    },
    verify(password, hash) {
      hashes += 1;
      return passwords.verify(password, hash);
    },
  };
}

export const macKeys: MacKeys = {
  current: () => ({ kid: 'ticket.1', key: Buffer.alloc(32, 7) }),
  find: (kid) => (kid === 'ticket.1' ? Buffer.alloc(32, 7) : undefined),
};
