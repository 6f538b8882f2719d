import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PATH_KEYS_MAX } from '../../../src/storage/mongo/body-encoding.ts';
import { claimKey, recordKey } from '../../../src/storage/mongo/record-key.ts';
import { recordType } from '../../../src/storage/record-type.ts';
import { check, insert, patch, put } from '../../../src/storage/store.ts';
import { describeMongo } from '../../support/mongo.ts';
import { type MonitoredStore, monitoredStore, START_MS } from './monitored-store.ts';

interface Thing {
  name?: string;
  group?: string;
  rank?: number | null;
  until?: number | string;
  state?: string;
  nested?: object;
}

const things = recordType<Thing>('thing', {
  unique: ['name'],
  indexes: { group: { field: 'group', orderBy: 'rank' } },
  expiresAt: 'until',
});
const codes = recordType<Thing>('code', { expiresAt: 'until' });
const sessions = recordType<Thing>('session', { lifetime: 'session' });

const SOON = START_MS + 60_000;
const GRACE_MS = 5 * 60_000;

describeMongo('what lies in a MongoDB', () => {
  let on: MonitoredStore;
  let last = 0;
  beforeAll(async () => {
    on = await monitoredStore({ types: [things, codes, sessions] });
  });
  afterAll(() => on.dispose());

  const documentOf = (id: string) => on.client.db().collection<Document>('tokens').findOne({ i: id });
  const claimOn = (name: string) =>
    on.client
      .db()
      .collection<Document>('claims')
      .findOne({ _id: claimKey(things, 'name', name) });

  /** The id of a new record with this body. */
  async function inserted(body: Thing, type = things): Promise<string> {
    last += 1;
    await on.store.commit([insert(type, `thing ${last}`, body)]);
    return `thing ${last}`;
  }

  it('is a document for each record, in the collection of its lifetime', async () => {
    const id = await inserted({ state: 'a.b', nested: { 'x.y': [1, 2] }, until: SOON });
    await on.store.commit([insert(sessions, 'one', { state: 'live' })]);

    const document = await documentOf(id);
    expect(Object.keys(document ?? {}).sort()).toEqual(['_id', 'b', 'i', 'k', 'x']);
    expect(document).toMatchObject({ k: 'thing', i: id, x: new Date(SOON + GRACE_MS) });
    expect(document?.b).toMatchObject({ state: 'a.b', nested: { 'x%2Ey': expect.anything() }, until: SOON });
    expect(Object(document?._id).value()).toEqual(recordKey(things, id).value());
    expect(await on.client.db().collection('sessions').findOne({})).toMatchObject({ k: 'session', i: 'one' });
  });

  it.each([
    ['what has none', {}, undefined],
    ['what is no number', { until: 'never' }, undefined],
    ['a time beyond all dates', { until: 1e300 }, new Date('9999-12-31T23:59:59.999Z')],
    ['a time before all dates', { until: -1e300 }, new Date(0)],
  ])('has a time for the broom only by an expiry: %s', async (_, body, x) => {
    const id = await inserted(body);

    expect((await documentOf(id))?.x).toEqual(x);
  });

  it.each([
    ['beside a unique value', things],
    ['by one statement', codes],
  ])('moves the time for the broom with the expiry, and with nothing else, %s', async (_, type) => {
    const id = await inserted({ until: SOON, group: 'g' }, type);
    const steps: [set: [string[], unknown][], x: Date | undefined][] = [
      [[[['state'], 'changed']], new Date(SOON + GRACE_MS)],
      [[[['until'], SOON + 1]], new Date(SOON + 1 + GRACE_MS)],
      [[[['until'], 'never']], undefined],
      [[[['until'], SOON]], new Date(SOON + GRACE_MS)],
      [[[['until'], undefined]], undefined],
    ];

    for (const [set, x] of steps) {
      expect(await on.store.commit([patch(type, id, { set })])).toEqual({ committed: true });
      expect([set, (await documentOf(id))?.x]).toEqual([set, x]);
    }
    await on.store.commit([put(type, id, { until: SOON })]);
    expect((await documentOf(id))?.x).toEqual(new Date(SOON + GRACE_MS));
    await on.store.commit([put(type, id, {})]);
    expect((await documentOf(id))?.x).toBeUndefined();
  });

  it('lets a claim go when its record does', async () => {
    const id = await inserted({ name: 'ann', until: SOON });
    expect((await claimOn('ann'))?.x).toEqual(new Date(SOON + GRACE_MS));

    await on.store.commit([patch(things, id, { set: [[['until'], SOON + 1]] })]);
    expect((await claimOn('ann'))?.x).toEqual(new Date(SOON + 1 + GRACE_MS));

    await on.store.commit([patch(things, id, { set: [[['until'], undefined]] })]);
    expect((await claimOn('ann'))?.x).toBeUndefined();
    expect((await claimOn('ann'))?.r.value()).toEqual(recordKey(things, id).value());
  });

  it('is written by who has a value already, so that whoever would take it meets them', async () => {
    const id = await inserted({ name: 'bob' });
    const before = await claimOn('bob');

    await on.store.commit([put(things, id, { name: 'bob' })]);

    expect(before?.t).toBe(1);
    expect(await claimOn('bob')).toEqual({ ...before, t: 2 });
  });

  it('is not there for readers where the broom was late, nor in the way of anyone', async () => {
    const id = await inserted({ name: 'late', group: 'late', until: on.clock.ms + 1 });
    on.clock.ms += 1;

    expect(await on.store.get(things, id)).toBeUndefined();
    expect(await on.store.find(things, 'name', 'late')).toBeUndefined();
    expect(await documentOf(id)).not.toBeNull();
    expect(await on.store.commit([insert(things, id, { name: 'late' })])).toEqual({ committed: true });
  });

  describe('refuses as the mistake of who wrote the program', () => {
    const tooLong = Array.from({ length: PATH_KEYS_MAX + 1 }, () => 'a');

    it('a path that leads further than anything is followed', async () => {
      const id = await inserted({});
      const deepest = tooLong.slice(1);

      await expect(on.store.commit([patch(things, id, { set: [[tooLong, 1]] })])).rejects.toThrow(
        'at most 40 keys',
      );
      const condition = { path: tooLong, absent: true } as const;
      const conditional = patch(things, id, { when: [condition], set: [[['state'], 'x']] });
      await expect(on.store.commit([conditional])).rejects.toThrow('at most 40 keys');

      await on.store.commit([patch(things, id, { set: [[deepest, [1]]] })]);
      expect(await on.store.commit([check(things, id, [{ path: deepest, present: true }])])).toEqual({
        committed: true,
      });
    });

    it.each([
      ['insert', (id: string) => insert(things, `${id} new`, { rank: 'high' as never })],
      ['put', (id: string) => put(things, id, { rank: 'high' as never })],
      ['patch', (id: string) => patch(things, id, { set: [[['rank'], 'high']] })],
      ['patch within', (id: string) => patch(things, id, { set: [[['rank', 'a'], 1]] })],
    ])('an order of lists that is no number, by %s', async (_, write) => {
      const id = await inserted({});

      await expect(on.store.commit([write(id)])).rejects.toThrow('"rank" of thing orders lists');
      expect(await on.store.commit([patch(things, id, { set: [[['rank'], null]] })])).toEqual({
        committed: true,
      });
    });
  });
});
