import type { CommandStartedEvent } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { recordType } from '../../../src/storage/record-type.ts';
import { check, insert, patch, put, remove, type Write } from '../../../src/storage/store.ts';
import { describeMongo } from '../../support/mongo.ts';
import { type MonitoredStore, monitoredStore, START_MS } from './monitored-store.ts';

interface Thing {
  name?: string;
  group?: string;
  state?: string;
  rank?: number;
  until?: number;
}

/** Expires. */
const codes = recordType<Thing>('code', { expiresAt: 'until' });
/** Beside the codes, with a unique value. */
const tickets = recordType<Thing>('ticket', { unique: ['name'], expiresAt: 'until' });
/** Stays. */
const accounts = recordType<Thing>('account', { indexes: { group: { field: 'group', orderBy: 'rank' } } });

const SOON = START_MS + 60_000;
const pending = { state: 'pending', until: SOON };
const isPending = { path: ['state'], is: 'pending' };

describeMongo('what an operation asks of MongoDB', () => {
  let on: MonitoredStore;
  let last = 0;
  beforeAll(async () => {
    on = await monitoredStore({ types: [codes, tickets, accounts] });
    await on.store.commit([
      insert(codes, 'taken', pending),
      insert(accounts, 'taken', { name: 'ann' }),
      insert(tickets, 'taken', { name: 'ann', ...pending }),
    ]);
  });
  afterAll(() => on.dispose());

  /** The names of the commands, each with its collection. */
  async function asked(work: () => Promise<unknown>): Promise<string[]> {
    return (await on.sentBy(work)).map(nameOf);
  }

  /** Ids of three records of each type that nobody else uses. */
  async function threeOfEach(): Promise<string[]> {
    last += 3;
    const ids = [last, last + 1, last + 2].map(String);
    for (const id of ids) {
      await on.store.commit([
        insert(codes, id, pending),
        insert(tickets, id, { name: `name ${id}`, ...pending }),
        insert(accounts, id, { state: 'pending' }),
      ]);
    }
    return ids;
  }

  it('is one command to read a record, two by a unique value, one for a page of a list', async () => {
    const { store } = on;

    expect(await asked(() => store.get(codes, 'taken'))).toEqual(['find tokens']);
    expect(await asked(() => store.get(codes, 'nothing'))).toEqual(['find tokens']);
    expect(await asked(() => store.find(tickets, 'name', 'ann'))).toEqual(['find claims', 'find tokens']);
    expect(await asked(() => store.find(tickets, 'name', 'nobody'))).toEqual(['find claims']);
    expect(await asked(() => store.scan(codes, { limit: 10 }))).toEqual(['find tokens']);
  });

  it('is one command for a page of a thousand, and leaves no cursor open', async () => {
    const { store } = on;
    for (let from = 0; from < 1_001; from += 500) {
      const some = Array.from({ length: Math.min(500, 1_001 - from) }, (_, n) => from + n);
      await store.commit(some.map((rank) => insert(accounts, `listed ${rank}`, { group: 'g', rank })));
    }

    const options = { limit: 1_000, newestFirst: true };
    const cursors: unknown[] = [];
    on.client.on('commandSucceeded', (event) => cursors.push(Number(Object(event.reply).cursor?.id)));
    expect(await asked(() => store.list(accounts, 'group', 'g', options))).toEqual(['find lasting']);
    expect(cursors).toEqual([0]);
  });

  const alone: [what: string, write: (id: string) => Write, commands: string[]][] = [
    ['insert', () => insert(accounts, 'new', {}), ['insert lasting']],
    ['insert what will expire', () => insert(codes, 'new', pending), ['update tokens']],
    ['put', (id) => put(codes, id, pending), ['update tokens']],
    ['patch', (id) => patch(codes, id, { when: [isPending], set: [[['state'], 'used']] }), ['update tokens']],
    [
      'patch beside a unique value',
      (id) => patch(tickets, id, { when: [isPending], set: [[['state'], 'used']] }),
      ['update tokens'],
    ],
    ['remove', (id) => remove(codes, id), ['delete tokens']],
    ['remove on a condition', (id) => remove(codes, id, [isPending]), ['delete tokens']],
    ['check', (id) => check(codes, id, [isPending]), ['find tokens']],
    ['patch nothing', (id) => patch(codes, id, { when: [isPending], set: [] }), ['find tokens']],
  ];

  it.each(alone)('is one command to %s', async (_, write, commands) => {
    const [id = ''] = await threeOfEach();

    const sent = await asked(async () => {
      expect(await on.store.commit([write(id)])).toEqual({ committed: true });
    });

    expect(sent).toEqual(commands);
  });

  const refused: [what: string, write: Write, commands: string[]][] = [
    ['insert', insert(accounts, 'taken', {}), ['insert lasting', 'find lasting']],
    ['insert what will expire', insert(codes, 'taken', {}), ['update tokens', 'find tokens']],
    ['patch', patch(codes, 'none', { set: [[['rank'], 1]] }), ['update tokens', 'find tokens']],
    ['remove', remove(codes, 'none', [isPending]), ['delete tokens', 'find tokens']],
    ['check', check(codes, 'none'), ['find tokens']],
  ];

  it.each(refused)('is a look at the record more to say why it did not %s', async (_, write, commands) => {
    const sent = await asked(async () => {
      expect(await on.store.commit([write])).toMatchObject({ committed: false });
    });

    expect(sent).toEqual(commands);
  });

  const together: [what: string, writes: (ids: string[]) => Write[], commands: string[]][] = [
    [
      'three records of one collection',
      ([a = '', b = '']) => [
        patch(codes, a, { when: [isPending], set: [[['state'], 'used']] }),
        check(codes, b, [isPending]),
        insert(codes, 'a third', pending),
      ],
      ['update tokens', 'commitTransaction'],
    ],
    [
      'two collections, with changes and a removal on a condition',
      ([a = '', b = '']) => [
        patch(codes, a, { set: [[['state'], 'used']] }),
        patch(accounts, a, { set: [[['rank'], 1]] }),
        remove(accounts, b, [isPending]),
      ],
      ['update tokens', 'update lasting', 'delete lasting', 'commitTransaction'],
    ],
    [
      'removals with and without conditions, as what the latter find says nothing',
      ([a = '', b = '', c = '']) => [remove(codes, a), remove(codes, b, [isPending]), remove(codes, c)],
      ['delete tokens', 'delete tokens', 'commitTransaction'],
    ],
    [
      'a new record with a unique value',
      () => [insert(tickets, 'new', { name: 'new', ...pending })],
      ['update claims', 'update tokens', 'commitTransaction'],
    ],
    [
      'a unique value that changes',
      ([a = '']) => [patch(tickets, a, { set: [[['name'], 'another']] })],
      ['find tokens', 'find claims', 'update tokens', 'update claims', 'delete claims', 'commitTransaction'],
    ],
    [
      'the removal of a record with a unique value',
      ([a = '']) => [remove(tickets, a)],
      ['find tokens', 'delete tokens', 'delete claims', 'commitTransaction'],
    ],
  ];

  it.each(together)('is as few commands as possible for %s', async (_, writes, commands) => {
    const ids = await threeOfEach();

    const sent = await asked(async () => {
      expect(await on.store.commit(writes(ids))).toEqual({ committed: true });
    });

    expect(sent).toEqual(commands);
  });

  it('is a transaction that is given up and one that says why, where one of several writes fails', async () => {
    const [id = ''] = await threeOfEach();

    const sent = await asked(() =>
      on.store.commit([insert(codes, 'x', {}), check(codes, id), check(codes, 'none')]),
    );

    expect(sent).toEqual(['update tokens', 'abortTransaction', 'find tokens', 'abortTransaction']);
  });

  it('is on disk at a majority before it is answered', async () => {
    const [id = ''] = await threeOfEach();
    const change = patch(codes, id, { set: [[['rank'], 1]] });

    const one = await on.sentBy(() => on.store.commit([change]));
    const several = await on.sentBy(() => on.store.commit([change, check(codes, 'taken')]));

    const durable = expect.objectContaining({ w: 'majority', j: true, wtimeout: 5_000 });
    expect(one.map(({ command }) => command.writeConcern)).toEqual([durable]);
    expect(several.map(({ command }) => command.writeConcern)).toEqual([undefined, durable]);
    expect(several[0]?.command.readConcern).toMatchObject({ level: 'snapshot' });
  });

  it('reads no more of a record than its body', async () => {
    const [sent] = await on.sentBy(() => on.store.get(codes, 'taken'));

    expect(sent?.command).toMatchObject({ projection: { _id: 0, b: 1 }, limit: 1, singleBatch: true });
    expect(Object.keys(sent?.command.filter)).toEqual(['_id']);
  });
});

function nameOf({ commandName, command }: CommandStartedEvent): string {
  const collection: unknown = command[commandName];
  return typeof collection === 'string' ? `${commandName} ${collection}` : commandName;
}
