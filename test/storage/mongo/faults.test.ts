import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { recordType } from '../../../src/storage/record-type.ts';
import { check, insert, patch, type Write } from '../../../src/storage/store.ts';
import { type LossyRoute, lossyRoute } from '../../support/lost-replies.ts';
import { describeMongo } from '../../support/mongo.ts';
import { failing, type ServerFailure } from '../../support/mongo-failures.ts';
import { type MonitoredStore, monitoredStore } from './monitored-store.ts';

const things = recordType<{ count?: number; state?: string }>('thing');

const won = { committed: true };
const unavailable = { code: 'store_unavailable' };

const countUp = patch(things, 'a', { when: [{ path: ['count'], is: 0 }], set: [[['count'], 1]] });
const countAndInsert: Write[] = [countUp, insert(things, 'b', {})];

const WRITE_CONFLICT = 112;
const timedOut = { code: 64, errmsg: 'waiting for replication timed out' };

describeMongo('on a MongoDB that fails', () => {
  let on: MonitoredStore;
  let appName: string;
  let made = 0;

  async function opened(commitBudgetMs?: number, through?: (url: string) => Promise<string>): Promise<void> {
    made += 1;
    appName = `strata-faults-${process.pid}-${made}`;
    on = await monitoredStore({
      types: [things],
      appName,
      ...(commitBudgetMs !== undefined && { commitBudgetMs }),
      ...(through !== undefined && { through }),
    });
    onTestFinished(() => on.dispose());
    await on.store.commit([insert(things, 'a', { count: 0, state: 'live' })]);
  }

  function fails(failure: Omit<ServerFailure, 'appName'>): Promise<void> {
    return failing(on.client, { ...failure, appName });
  }

  async function sent(work: () => Promise<unknown>): Promise<string[]> {
    return (await on.sentBy(work)).map(({ commandName }) => commandName);
  }

  describe('by answering with an error', () => {
    beforeEach(() => opened());

    it('a transaction that met another is done once more, whole', async () => {
      await fails({ times: 2, commands: ['update'], errorCode: WRITE_CONFLICT });

      const commands = await sent(async () => expect(await on.store.commit(countAndInsert)).toEqual(won));

      expect(commands.filter((name) => name === 'commitTransaction')).toHaveLength(1);
      expect(commands.filter((name) => name === 'update')).toHaveLength(3);
      expect(await on.store.get(things, 'a')).toEqual({ count: 1, state: 'live' });
    });

    it('a commit of a transaction that had no answer is asked for until it has', async () => {
      await fails({ times: 5, commands: ['commitTransaction'], closeConnection: true });

      const commands = await sent(async () => expect(await on.store.commit(countAndInsert)).toEqual(won));

      expect(commands.filter((name) => name === 'commitTransaction')).toHaveLength(6);
      expect(await on.store.get(things, 'a')).toEqual({ count: 1, state: 'live' });
    });

    it('a commit of a transaction that is not at a majority yet is asked for until it is', async () => {
      await fails({ times: 3, commands: ['commitTransaction'], writeConcernError: timedOut });

      const commands = await sent(async () => expect(await on.store.commit(countAndInsert)).toEqual(won));

      expect(commands.filter((name) => name === 'commitTransaction')).toHaveLength(4);
    });

    it('one write that is not at a majority is not answered as done', async () => {
      await fails({ times: 1, commands: ['update'], writeConcernError: timedOut });

      await expect(on.store.commit([countUp])).rejects.toMatchObject(unavailable);
    });

    it('an error that nothing is known of is told, and what the server quotes is not', async () => {
      await fails({ times: 'always', commands: ['update', 'find'], errorCode: 8_000 });

      for (const work of [
        () => on.store.commit([countUp]),
        () => on.store.commit(countAndInsert),
        () => on.store.get(things, 'a'),
      ]) {
        await expect(work()).rejects.toMatchObject({
          ...unavailable,
          detail: expect.stringMatching(/^MongoDB answered with an error: \w+ \(8000\)$/),
        });
      }
    });

    it.each([['find'], ['update'], ['insert'], ['delete']])(
      'a connection that breaks once at %s is of no account',
      async (command) => {
        await fails({ times: 1, commands: [command], closeConnection: true });

        expect(await on.store.commit([insert(things, 'c', {})])).toEqual(won);
        expect(await on.store.commit([countUp])).toEqual(won);
        expect(await on.store.get(things, 'a')).toEqual({ count: 1, state: 'live' });
        expect(await on.store.commit([{ kind: 'remove', type: things, id: 'c', when: [] }])).toEqual(won);
      },
    );

    it('one write whose connections break again and again is not answered as done', async () => {
      await fails({ times: 'always', commands: ['update'], closeConnection: true });

      await expect(on.store.commit([countUp])).rejects.toMatchObject(unavailable);
    });
  });

  describe('for longer than a commit may take', () => {
    beforeEach(() => opened(200));

    it('conflicts without end are overload, and nothing is applied', async () => {
      await fails({ times: 'always', commands: ['update'], errorCode: WRITE_CONFLICT });

      await expect(on.store.commit(countAndInsert)).rejects.toMatchObject({
        code: 'overloaded',
        retryAfterSeconds: 1,
      });
      expect(await on.store.get(things, 'a')).toEqual({ count: 0, state: 'live' });
      expect(await on.store.get(things, 'b')).toBeUndefined();
    });

    it('a commit that is never at a majority may or may not have been applied', async () => {
      await fails({ times: 'always', commands: ['commitTransaction'], writeConcernError: timedOut });

      await expect(on.store.commit(countAndInsert)).rejects.toMatchObject(unavailable);
    });

    it('a transaction that never got through is not answered as overload', async () => {
      await fails({ times: 'always', commands: ['update'], closeConnection: true });

      await expect(on.store.commit(countAndInsert)).rejects.toMatchObject(unavailable);
    });
  });

  describe('by losing its answers', () => {
    let route: LossyRoute;
    beforeEach(() =>
      opened(undefined, async (url) => {
        route = await lossyRoute(url);
        onTestFinished(() => route.cut());
        return route.url;
      }),
    );

    it.each([
      ['patch', 'update', countUp],
      ['insert', 'insert', insert(things, 'b', { count: 1 })],
      [
        'removal',
        'delete',
        { kind: 'remove', type: things, id: 'a', when: [{ path: ['count'], is: 0 }] } as Write,
      ],
    ])(
      'the winner of a %s hears that it won, though its condition no longer holds',
      async (_, command, write) => {
        route.lose(command);

        expect(await on.store.commit([write])).toEqual(won);

        expect(route.lost).toBe(1);
        expect(await on.store.commit([write])).toMatchObject({ committed: false });
      },
    );

    it('a transaction that was committed is not done again', async () => {
      route.lose('commitTransaction', 3);

      expect(await on.store.commit(countAndInsert)).toEqual(won);

      expect(route.lost).toBe(3);
      expect(await on.store.get(things, 'a')).toEqual({ count: 1, state: 'live' });
    });

    it('a transaction that breaks off in the middle is done whole', async () => {
      route.lose('update');

      expect(await on.store.commit([...countAndInsert, check(things, 'a-second')])).toMatchObject({
        committed: false,
      });
      expect(await on.store.commit(countAndInsert)).toEqual(won);

      expect(route.lost).toBe(1);
      expect(await on.store.get(things, 'a')).toEqual({ count: 1, state: 'live' });
    });
  });
});
