import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { connect } from '../../../src/storage/mongo/connection.ts';
import { migrateMongo } from '../../../src/storage/mongo/migrate-mongo.ts';
import { SharedWakeUps, type WakeUpFeed } from '../../../src/storage/mongo/wake-up-stream.ts';
import { WAKE_UPS, type WakeUpDocument } from '../../../src/storage/mongo/wake-ups-collection.ts';
import { describeMongo, type FreshDatabase, freshDatabase } from '../../support/mongo.ts';
import { failing } from '../../support/mongo-failures.ts';

const PATIENCE = { timeout: 20_000, interval: 10 };

let parties = 0;

describeMongo('wake-ups on MongoDB', () => {
  let database: FreshDatabase;

  beforeAll(async () => {
    database = freshDatabase();
    await migrateMongo({ url: database.url, types: [], dropUnused: false });
  });
  afterAll(() => database.drop());

  /** A process's part in it, and what those were told who listen to the topic there. */
  async function party(topic: string, feed: WakeUpFeed = 'stream') {
    parties += 1;
    const appName = `wake-ups-${parties}`;
    const { client, db } = await connect(database.url, { appName });
    const wakeUps = new SharedWakeUps(db, feed);
    onTestFinished(async () => {
      await wakeUps.close();
      await client.close();
    });
    const told: (string | undefined)[] = [];
    const tells = (key: string | undefined) => vi.waitFor(() => expect(told).toContain(key), PATIENCE);

    /** From here on it hears what others say. */
    async function listen(): Promise<void> {
      wakeUps.subscribe(topic, (key) => told.push(key));
      await tells(undefined);
    }

    return { appName, client, db, wakeUps, told, tells, listen };
  }

  describe.each<[WakeUpFeed]>([['stream'], ['poll']])('by %s', (feed) => {
    it('reach every process once, the one that says them too', async () => {
      const one = await party('qr', feed);
      const other = await party('qr', feed);
      await Promise.all([one.listen(), other.listen()]);

      one.wakeUps.notify('qr', 'a');
      one.wakeUps.notify('elsewhere', 'b');
      await other.tells('a');
      other.wakeUps.notify('qr', 'c');
      await one.tells('c');
      one.wakeUps.notify('qr', 'd');
      await other.tells('d');

      expect(one.told).toEqual([undefined, 'a', 'c', 'd']);
      expect(other.told).toEqual([undefined, 'a', 'c', 'd']);
    });

    it('carry any text', async () => {
      const one = await party('t.o$p\u0000ic', feed);
      const other = await party('t.o$p\u0000ic', feed);
      await other.listen();
      const keys = ['', '$key', 'a.b', '\u0000', '\ud800', '\u{FFFE}x', '会话', 'x'.repeat(5_000)];

      for (const key of keys) one.wakeUps.notify('t.o$p\u0000ic', key);
      await other.tells(keys.at(-1));

      expect(other.told).toEqual([undefined, ...keys]);
    });

    it('are still said where the store closes right afterwards', async () => {
      const one = await party('closing', feed);
      const other = await party('closing', feed);
      await other.listen();

      one.wakeUps.notify('closing', 'last words');
      await one.wakeUps.close();
      await one.client.close();
      one.wakeUps.notify('closing', 'too late');
      await other.tells('last words');

      expect(other.told).toEqual([undefined, 'last words']);
    });

    it('go on after those that nobody understands', async () => {
      const one = await party('odd', feed);
      const other = await party('odd', feed);
      await other.listen();
      const { localTime: at } = await one.db.command({ hello: 1 });

      const odd = [
        {},
        { topic: 7, key: 7 },
        { topic: 'odd' },
        { topic: 'odd', key: '\u{FFFE}{' },
        { topic: 'odd', key: 1 },
      ];
      await one.db.collection<Document>(WAKE_UPS).insertMany(odd.map((fields) => ({ at, ...fields })));
      one.wakeUps.notify('odd', 'plain');
      await other.tells('plain');

      expect(other.told).toEqual([undefined, 'plain']);
    });

    it('are not heard of any more after the close', async () => {
      const one = await party('closed', feed);
      const other = await party('closed', feed);
      const witness = await party('closed', feed);
      await Promise.all([other.listen(), witness.listen()]);

      await other.wakeUps.close();
      one.wakeUps.notify('closed', 'a');
      await witness.tells('a');

      expect(other.told).toEqual([undefined]);
    });
  });

  describe('by a stream that breaks', () => {
    it.each([
      ['the connection is lost', { closeConnection: true }],
      ['its cursor is gone', { errorCode: 43 }],
      ['the primary steps down', { errorCode: 189 }],
      ['the server fails in a way that the driver does not go on after', { errorCode: 96 }],
    ])('nothing is lost: %s', async (_, failure) => {
      const one = await party('broken');
      const other = await party('broken');
      await other.listen();

      await failing(other.client, { times: 1, commands: ['getMore'], appName: other.appName, ...failure });
      for (const key of ['a', 'b', 'c']) one.wakeUps.notify('broken', key);
      await other.tells('c');
      one.wakeUps.notify('broken', 'd');
      await other.tells('d');

      expect(other.told).toEqual([undefined, 'a', 'b', 'c', 'd']);
    });

    it('listeners are told that something may be missing where the server forgot the place', async () => {
      const one = await party('forgotten');
      const other = await party('forgotten');
      await other.listen();
      other.told.length = 0;

      const historyLost = { errorCode: 286, commands: ['getMore', 'aggregate'] };
      await failing(other.client, { times: 2, appName: other.appName, ...historyLost });
      await other.tells(undefined);
      one.wakeUps.notify('forgotten', 'a');
      await other.tells('a');

      expect(other.told).toEqual([undefined, 'a']);
    });

    it('polls take over where no stream can be had, and listeners are told once', async () => {
      const one = await party('refused');
      const other = await party('refused');
      const refusal = { errorCode: 40573, commands: ['aggregate'] };
      await failing(other.client, { times: 'always', appName: other.appName, ...refusal });
      await other.listen();

      for (const key of ['a', 'b']) {
        one.wakeUps.notify('refused', key);
        await other.tells(key);
      }

      expect(other.told).toEqual([undefined, 'a', 'b']);
    });

    it('polls take over from a stream that worked', async () => {
      const one = await party('worked');
      const other = await party('worked');
      await other.listen();
      other.told.length = 0;

      const refusal = { errorCode: 40573, commands: ['aggregate', 'getMore'] };
      await failing(other.client, { times: 'always', appName: other.appName, ...refusal });
      await other.tells(undefined);
      one.wakeUps.notify('worked', 'a');
      await other.tells('a');

      expect(other.told).toEqual([undefined, 'a']);
    });
  });

  describe('by polls', () => {
    it('nothing is lost while the server fails', async () => {
      const one = await party('failing', 'poll');
      const other = await party('failing', 'poll');
      await other.listen();

      await failing(other.client, { times: 3, commands: ['find'], appName: other.appName, errorCode: 96 });
      one.wakeUps.notify('failing', 'a');
      await other.tells('a');

      expect(other.told).toEqual([undefined, 'a']);
    });

    it('more than can be looked through are taken for missed', async () => {
      const other = await party('flood', 'poll');
      await other.listen();
      other.told.length = 0;
      const said = (key: string, aheadMs = 0) => ({
        at: new Date(Date.now() + aheadMs),
        from: 'somebody else',
        topic: 'flood',
        key,
      });
      const all = other.db.collection<Document>(WAKE_UPS);

      await all.insertMany(Array.from({ length: 1_500 }, (_, n) => said(`${n}`)));
      await other.tells(undefined);
      expect(new Set(other.told)).toEqual(new Set([undefined]));

      // So late that the next look but one does not find the flood again.
      other.told.length = 0;
      await all.insertOne(said('in between', 10_000));
      await other.tells(undefined);
      await all.insertOne(said('and then', 10_001));
      await other.tells('and then');
    });
  });

  it('hold up nobody who says them, however many, and are dropped beyond what can be sent', async () => {
    const one = await party('many');
    const here: (string | undefined)[] = [];
    one.wakeUps.subscribe('many', (key) => here.push(key));

    for (let n = 0; n < 5_000; n += 1) one.wakeUps.notify('many', `${n}`);
    await one.wakeUps.close();

    const sent = await one.db.collection<WakeUpDocument>(WAKE_UPS).countDocuments({ topic: 'many' });
    expect(here.filter((key) => key !== undefined)).toHaveLength(5_000);
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(5_000);
  });

  it('reach those in the same process where the database is gone', async () => {
    const one = await party('alone');
    await one.client.close();
    one.wakeUps.subscribe('alone', (key) => one.told.push(key));

    one.wakeUps.notify('alone', 'a');
    await one.tells('a');
    await one.wakeUps.close();

    expect(one.told).toEqual(['a']);
  });

  it('keep no key longer than it is of use', async () => {
    const one = await party('brief');
    one.wakeUps.notify('brief', 'a');
    await one.wakeUps.close();

    const [wakeUp] = await one.db.collection<WakeUpDocument>(WAKE_UPS).find({ topic: 'brief' }).toArray();
    const { localTime } = await one.db.command({ hello: 1 });
    expect(Math.abs(Number(wakeUp?.at) - Number(localTime))).toBeLessThan(60_000);
  });
});
