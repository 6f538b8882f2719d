// Two releases on one database, as long as it takes to replace the processes of one by those of the other.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrateStore, openStore } from '../../../src/storage/open.ts';
import { recordType } from '../../../src/storage/record-type.ts';
import { insert, patch, put, type Store } from '../../../src/storage/store.ts';
import { describeMongo, type FreshDatabase, preparedDatabase } from '../../support/mongo.ts';
import { testClock } from '../../support/test-clock.ts';

interface Pet {
  owner?: string;
  age?: number;
}

interface LaterPet extends Pet {
  chip?: string;
}

const pets = recordType<Pet>('pet', { indexes: { owner: { field: 'owner', orderBy: 'age' } } });
const laterPets = recordType<LaterPet>('pet', {
  indexes: { owner: { field: 'owner', orderBy: 'age' }, age: { field: 'owner' }, chip: { field: 'chip' } },
});
const vets = recordType<{ name: string }>('vet', { lifetime: 'session' });

describeMongo('a rolling upgrade', () => {
  let database: FreshDatabase;
  let older: Store;
  let newer: Store;

  beforeAll(async () => {
    const clock = testClock(Date.UTC(2100, 0, 1));
    database = await preparedDatabase([pets]);
    const address = { url: database.url, dataDir: '', clock };
    older = await openStore({ ...address, types: [pets] });
    await older.commit([insert(pets, 'from-before', { owner: 'ann', age: 1 })]);

    await expect(openStore({ ...address, types: [laterPets, vets] })).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: expect.stringMatching(
        / lacks the index pet\.age of lasting, the index pet\.chip of lasting: run strata migrate$/,
      ),
    });
    await migrateStore({ ...address, types: [laterPets, vets] });
    newer = await openStore({ ...address, types: [laterPets, vets] });
    clock.restore();
  });
  afterAll(async () => {
    await Promise.all([older.close(), newer.close()]);
    await database.drop();
  });

  it('lets the newer release find by its new index what the older one wrote, before and after', async () => {
    await older.commit([insert(pets, 'from-now', { owner: 'ann', age: 2 })]);

    const { records } = await newer.list(laterPets, 'age', 'ann', { limit: 10 });

    expect(records).toEqual([
      { owner: 'ann', age: 1 },
      { owner: 'ann', age: 2 },
    ]);
  });

  it('keeps the fields that the older release does not know when that changes a record', async () => {
    await newer.commit([insert(laterPets, 'chipped', { owner: 'bob', chip: 'c1' })]);

    await older.commit([patch(pets, 'chipped', { set: [[['age'], 3]] })]);

    expect(await newer.get(laterPets, 'chipped')).toEqual({ owner: 'bob', chip: 'c1', age: 3 });
    const { records } = await newer.list(laterPets, 'chip', 'c1', { limit: 10 });
    expect(records).toEqual([{ owner: 'bob', chip: 'c1', age: 3 }]);
  });

  it('takes a record out of the new index where the older release replaces it whole', async () => {
    await newer.commit([insert(laterPets, 'replaced', { owner: 'eve', chip: 'c2' })]);

    await older.commit([put(pets, 'replaced', { owner: 'eve' })]);

    expect(await newer.list(laterPets, 'chip', 'c2', { limit: 10 })).toEqual({ records: [] });
  });

  it('has one winner where both releases write', async () => {
    const prizes = Array.from({ length: 20 }, (_, n) => `prize-${n}`);
    const [old, young] = await Promise.all(
      [older, newer].map((store) =>
        Promise.all(prizes.map((id) => store.commit([insert(pets, id, { owner: 'won' })]))),
      ),
    );

    const winners = prizes.map(
      (_, n) => [old?.[n], young?.[n]].filter((outcome) => outcome?.committed).length,
    );
    expect(winners).toEqual(prizes.map(() => 1));
  });

  it('lets the older release start again at any time', async () => {
    const again = await openStore({ url: database.url, dataDir: '', types: [pets] });

    expect(await again.get(pets, 'from-before')).toEqual({ owner: 'ann', age: 1 });
    await again.close();
  });
});
