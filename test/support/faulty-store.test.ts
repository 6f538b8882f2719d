import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openStore } from '../../src/storage/open.ts';
import { recordType } from '../../src/storage/record-type.ts';
import { insert, patch, remove, type Store } from '../../src/storage/store.ts';
import { type FaultyStore, faultyStore } from './faulty-store.ts';
import { type Blow, harmlessFaults, READS } from './faulty-store-plan.ts';
import { startTestServer } from './test-server.ts';

const pets = recordType<{ name: string; owner?: string }>('pet', {
  unique: ['name'],
  indexes: { owner: { field: 'owner' } },
});
const toys = recordType<{ name: string }>('toy');
const rex = { name: 'rex', owner: 'ann' };

/** The records as they are. */
let records: Store;
let store: FaultyStore;

beforeEach(async () => {
  records = await openStore({ url: 'sqlite::memory:', dataDir: '', types: [pets, toys] });
  store = faultyStore(records);
  onTestFinished(() => records.close());
});

const addRex = () => store.commit([insert(pets, 'rex', rex)]);
const rexIsThere = async () => (await records.get(pets, 'rex')) !== undefined;
const unavailable = { code: 'store_unavailable' };

const readings: Record<(typeof READS)[number], () => Promise<unknown>> = {
  get: () => store.get(pets, 'rex'),
  find: () => store.find(pets, 'name', 'rex'),
  list: () => store.list(pets, 'owner', 'ann', { limit: 1 }),
  scan: () => store.scan(pets, { limit: 1 }),
};

describe('a faulty store', () => {
  it('is like the store under it as long as nothing is planned', async () => {
    expect(await addRex()).toEqual({ committed: true });

    expect(await readings.get()).toEqual(rex);
    expect(await readings.find()).toEqual(rex);
    expect(await readings.list()).toEqual({ records: [rex] });
    expect(await readings.scan()).toEqual({ records: [{ id: 'rex', body: rex }] });
    expect(await store.sweep(10)).toBe(0);
    expect(store.blows()).toBe(0);
  });

  it.each([
    ['refuse', false, true],
    ['lose_answer', true, true],
    ['die_before', false, false],
    ['die_after', true, false],
  ] satisfies [Blow, boolean, boolean][])(
    'fails a commit by %s: applied is %s, alive afterwards is %s',
    async (fault, isApplied, isAlive) => {
      store.plan([{ on: 'commit', nth: 1, fault }]);

      await expect(addRex()).rejects.toMatchObject(unavailable);

      expect(await rexIsThere()).toBe(isApplied);
      expect(store.isDead()).toBe(!isAlive);
      const reading = readings.get();
      if (isAlive) expect(await reading).toEqual(isApplied ? rex : undefined);
      else await expect(reading).rejects.toMatchObject(unavailable);
      expect(store.blows()).toBe(1);
    },
  );

  it.each(READS)('fails a %s, and no other reading', async (operation) => {
    store.plan([{ on: operation, fault: 'refuse' }]);

    const others = READS.filter((other) => other !== operation);

    await expect(readings[operation]()).rejects.toMatchObject(unavailable);
    for (const other of others) await readings[other]();
    expect(await addRex()).toEqual({ committed: true });
  });

  it('answers nobody any more after its death, not even who had asked before', async () => {
    const gate = Promise.withResolvers<void>();
    store.plan([
      { on: 'get', fault: { until: () => gate.promise, answer: true } },
      { on: 'commit', fault: 'die_before' },
    ]);
    const asked = expect(readings.get()).rejects.toMatchObject(unavailable);

    await expect(addRex()).rejects.toMatchObject(unavailable);
    gate.resolve();

    await asked;
    await expect(store.sweep(1)).rejects.toMatchObject(unavailable);
    store.plan([]);
    await expect(addRex()).rejects.toMatchObject(unavailable);
  });
});

describe('the plan of a faulty store', () => {
  it('strikes the n-th that fits, counted from when it was made', async () => {
    await addRex();
    store.plan([{ on: 'commit', nth: 2, fault: 'refuse' }]);
    const add = (id: string) => store.commit([insert(toys, id, { name: id })]);

    const outcomes = await Promise.allSettled([add('a'), add('b'), add('c')]);

    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('strikes the n-th and all after it', async () => {
    store.plan([{ on: 'get', from: 2, fault: 'refuse' }]);

    const outcomes = await Promise.allSettled([readings.get(), readings.get(), readings.get()]);

    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  });

  it('chooses by the type and the kind of a write among those of a commit', async () => {
    await addRex();
    store.plan([{ on: 'commit', type: 'pet', write: 'patch', fault: 'refuse' }]);
    const rename = patch(pets, 'rex', { set: [[['name'], 'max']] });

    await store.commit([insert(pets, 'tom', { name: 'tom' })]);
    await store.commit([remove(pets, 'tom'), patch(toys, 'ball', { set: [] })]);
    await expect(store.commit([insert(toys, 'ball', { name: 'ball' }), rename])).rejects.toMatchObject(
      unavailable,
    );

    expect(await store.get(pets, 'rex')).toEqual(rex);
  });

  it('chooses by the type that is read', async () => {
    store.plan([{ on: READS, type: 'toy', fault: 'refuse' }]);

    for (const operation of READS) await readings[operation]();
    await expect(store.get(toys, 'ball')).rejects.toMatchObject(unavailable);
  });

  it('strikes the same share for the same seed, and others for another', async () => {
    const struckBy = async (seed: number) => {
      store.plan([{ on: 'get', chance: { share: 0.3, seed }, fault: 'refuse' }]);
      const all = await Promise.allSettled(Array.from({ length: 200 }, readings.get));
      return all.map(({ status }) => status === 'rejected');
    };

    const struck = await struckBy(7);

    expect(struck.filter(Boolean).length).toBeGreaterThan(30);
    expect(struck.filter(Boolean).length).toBeLessThan(90);
    expect(await struckBy(7)).toEqual(struck);
    expect(await struckBy(8)).not.toEqual(struck);
  });

  it('holds a commit back until a gate opens, or only its answer', async () => {
    const gate = Promise.withResolvers<void>();
    store.plan([{ on: 'commit', fault: { until: () => gate.promise } }]);
    const held = addRex();
    await turn();
    expect(await rexIsThere()).toBe(false);
    gate.resolve();
    expect(await held).toEqual({ committed: true });

    const later = Promise.withResolvers<void>();
    store.plan([{ on: 'commit', fault: { until: () => later.promise, answer: true } }]);
    let isAnswered = false;
    const unanswered = store.commit([remove(pets, 'rex')]).then(() => {
      isAnswered = true;
    });
    while (await rexIsThere()) await turn();
    expect(isAnswered).toBe(false);
    later.resolve();
    await unanswered;
  });
});

describe('the wake-ups of a faulty store', () => {
  /** What is heard of `keys` said in this order, once the store itself has told all that it was told. */
  async function heardOf(keys: readonly string[]): Promise<(string | undefined)[]> {
    const heard: (string | undefined)[] = [];
    store.subscribe('news', (key) => heard.push(key));
    const last = Promise.withResolvers<void>();
    records.subscribe('last', () => last.resolve());
    for (const key of keys) store.notify('news', key);
    await turn();
    records.notify('last', '');
    await last.promise;
    return heard;
  }

  it('are lost or told twice, as the plan says', async () => {
    store.plan([
      { on: 'notify', nth: 1, fault: 'drop' },
      { on: 'notify', nth: 3, fault: 'repeat' },
    ]);

    expect(await heardOf(['a', 'b', 'c'])).toEqual(['b', 'c', 'c']);
    expect(store.blows()).toBe(2);
  });

  it('are late, and come after others that were said later', async () => {
    const gate = Promise.withResolvers<void>();
    store.plan([{ on: 'notify', nth: 1, fault: { until: () => gate.promise } }]);
    const heard: (string | undefined)[] = [];
    const both = Promise.withResolvers<void>();
    store.subscribe('news', (key) => {
      heard.push(key);
      if (key === 'b') gate.resolve();
      if (heard.length === 2) both.resolve();
    });

    store.notify('news', 'a');
    store.notify('news', 'b');
    await both.promise;

    expect(heard).toEqual(['b', 'a']);
  });

  it('do not reach the dead, nor come from them', async () => {
    store.plan([{ on: 'commit', fault: 'die_after' }]);
    await addRex().catch(() => undefined);

    expect(await heardOf(['a'])).toEqual([]);
  });
});

describe('faults that must not make a difference', () => {
  it('are known by name', async () => {
    expect(harmlessFaults(undefined)).toEqual([]);
    expect(harmlessFaults('lost-wake-ups')).toEqual([{ on: 'notify', fault: 'drop' }]);
    expect(harmlessFaults('latency,lost-wake-ups')).toHaveLength(3);
    expect(() => harmlessFaults('latency,gremlins')).toThrow('called gremlins');
  });
});

describe('a test server', () => {
  it('sees the faults that were planned, and is whole again after a restart', async () => {
    const strata = await startTestServer({ faults: [{ on: READS, type: 'nothing', fault: 'refuse' }] });
    onTestFinished(() => strata.close());
    const { id } = await strata.addClient({ redirect_uris: ['https://notes.example/callback'] });
    const before = strata.server;
    const keys = await (await fetch(`${strata.origin}/jwks`)).json();

    strata.faults.plan([{ on: 'commit', fault: 'die_before' }]);
    await expect(strata.addAccount()).rejects.toMatchObject(unavailable);
    expect((await fetch(`${strata.origin}/readyz`)).status).toBe(503);

    await strata.restart();
    expect(strata.server).not.toBe(before);
    expect(strata.faults.isDead()).toBe(false);
    expect(await strata.server.clients.find(id)).toBeDefined();
    expect(await (await fetch(`${strata.origin}/jwks`)).json()).toEqual(keys);
    await strata.addAccount();
  });
});
