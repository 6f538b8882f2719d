import { describe, expect, it } from 'vitest';
import { createPasswordHasher, hashesAtOnce } from '../../src/accounts/hash-queue.ts';

const cost = { memoryKiB: 8, passes: 1 };

describe('createPasswordHasher', () => {
  it('hashes and verifies', async () => {
    const passwords = createPasswordHasher({ ...cost, queueMax: 4 });
    const hash = await passwords.hash('correct horse');

    await expect(passwords.verify('correct horse', hash)).resolves.toBe(true);
    await expect(passwords.verify('wrong horse', hash)).resolves.toBe(false);
  });

  it('says no where there is no hash', async () => {
    const passwords = createPasswordHasher({ ...cost, queueMax: 4 });

    await expect(passwords.verify('', undefined)).resolves.toBe(false);
  });

  it('sends those beyond its queue away with a time to come back', async () => {
    const passwords = createPasswordHasher({ ...cost, parallel: 1, queueMax: 2 });
    const answers = await Promise.allSettled(
      Array.from({ length: 5 }, () => passwords.verify('x', undefined)),
    );

    expect(answers.map((answer) => answer.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    expect(answers.at(-1)).toMatchObject({ reason: { code: 'overloaded', retryAfterSeconds: 2 } });
  });

  it('sees when a hash was made at another cost', async () => {
    const passwords = createPasswordHasher({ ...cost, queueMax: 4 });
    const dearer = createPasswordHasher({ ...cost, passes: 2, queueMax: 4 });
    const hash = await passwords.hash('correct horse');

    expect(passwords.needsRehash(hash)).toBe(false);
    expect(dearer.needsRehash(hash)).toBe(true);
    await expect(dearer.verify('correct horse', hash)).resolves.toBe(true);
  });
});

describe('hashesAtOnce', () => {
  it.each([
    [1, 1],
    [2, 1],
    [3, 2],
    [4, 3],
    [64, 3],
  ])('leaves a core free: %i cores, %i hashes', (cores, hashes) => {
    expect(hashesAtOnce(cores)).toBe(hashes);
  });
});
