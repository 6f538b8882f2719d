import { describe, expect, it, onTestFinished } from 'vitest';
import { openStore } from '../../src/storage/open.ts';
import { recordType } from '../../src/storage/record-type.ts';
import { insert, patch } from '../../src/storage/store.ts';
import { countingStore } from './counting-store.ts';
import { testClock } from './test-clock.ts';

const pets = recordType<{ name?: string; owner?: string }>('pet', {
  unique: ['name'],
  indexes: { owner: { field: 'owner' } },
});

describe('countingStore', () => {
  it('counts what passes through, and begins anew when told', async () => {
    const clock = testClock();
    const store = countingStore(
      await openStore({ url: 'sqlite::memory:', dataDir: '', clock, types: [pets] }),
    );
    onTestFinished(() => store.close());

    await store.commit([insert(pets, 'p', { name: 'rex', owner: 'ann' })]);
    await store.commit([patch(pets, 'p', { set: [] }), insert(pets, 'q', {})]);
    expect(await store.get(pets, 'p')).toEqual({ name: 'rex', owner: 'ann' });
    expect(await store.find(pets, 'name', 'rex')).toBeDefined();
    expect((await store.list(pets, 'owner', 'ann', { limit: 1 })).records).toHaveLength(1);
    expect((await store.scan(pets, { limit: 10 })).records).toHaveLength(2);

    expect(store.counts()).toEqual({
      gets: 1,
      finds: 1,
      lists: 1,
      scans: 1,
      commits: 2,
      writes: ['insert pet', 'patch pet', 'insert pet'],
    });
    store.reset();
    expect(store.counts()).toMatchObject({ gets: 0, commits: 0, writes: [] });
  });
});
