// Hashing in turn. Argon2 runs on the few threads that files and name look-ups share, and each hash holds its
// memory while it runs; so only some run at once, a bounded number waits, and the rest is told to come back.
import { availableParallelism } from 'node:os';
import { createWorkQueue } from '../protection/work-queue.ts';
import { dummyHash, hashPassword, needsRehash, type PasswordCost, verifyPassword } from './password.ts';

export interface PasswordHasher {
  hash(password: string): Promise<string>;
  /**
   * Whether the password made the hash. Without a hash it is compared with one that nothing matches, at the
   * same cost, and the answer is no.
   */
  verify(password: string, hash: string | undefined): Promise<boolean>;
  needsRehash(hash: string): boolean;
}

export interface PasswordHasherOptions {
  readonly memoryKiB: number;
  readonly passes: number;
  /** Hashes at once; by default one less than there are cores, at least 1 and at most 3. */
  readonly parallel?: number | undefined;
  /** Hashes that wait; one more is `overloaded`. */
  readonly queueMax: number;
}

const CORES_USED_MAX = 4;
const RETRY_AFTER_SECONDS = 2;

export function createPasswordHasher(options: PasswordHasherOptions): PasswordHasher {
  const cost: PasswordCost = { memoryKiB: options.memoryKiB, passes: options.passes };
  const nobody = dummyHash(cost);
  const queue = createWorkQueue({
    name: 'password hashes',
    parallel: options.parallel ?? hashesAtOnce(availableParallelism()),
    queueMax: options.queueMax,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });

  async function verify(password: string, hash: string | undefined): Promise<boolean> {
    const matches = await queue.run(() => verifyPassword(password, hash ?? nobody));
    return matches && hash !== undefined;
  }

  return {
    hash: (password) => queue.run(() => hashPassword(password, cost)),
    verify,
    needsRehash: (hash) => needsRehash(hash, cost),
  };
}

export function hashesAtOnce(cores: number): number {
  return Math.max(1, Math.min(cores, CORES_USED_MAX) - 1);
}
