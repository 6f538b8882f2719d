import { describe, expect, it } from 'vitest';
import { insert, patch, type Store } from '../../src/storage/store.ts';
import type { OpenForContract } from './contract.ts';
import { races } from './contract-race-writes.ts';
import { things } from './contract-types.ts';

const CALLERS = 20;
const ROUNDS = 50;
/** Enough for a database behind a network and a machine that others use too. */
const START_MS = 60_000;
const ROUND_MS = 500;

export function describeRaces(open: (options?: object) => ReturnType<OpenForContract>): void {
  describeWinners(open);

  describe('parallel commits', () => {
    it('leave what the winner wrote', async () => {
      const { store } = await open();

      const attempts = Array.from({ length: CALLERS }, (_, rank) =>
        store.commit([insert(things, 'a', { rank })]),
      );
      const winner = (await Promise.all(attempts)).findIndex((outcome) => outcome.committed);

      expect(await store.get(things, 'a')).toEqual({ rank: winner });
    });

    it('lose no count that each takes on from the last', async () => {
      const { store } = await open();
      await store.commit([insert(things, 'counter', { count: 0 })]);

      await Promise.all(Array.from({ length: 8 }, () => countUp(store, 5)));

      expect(await store.get(things, 'counter')).toEqual({ count: 40 });
    });
  });

  describe('a full queue', () => {
    it('refuses what is too much as overloaded, and goes on when it has room', async () => {
      const { store } = await open({ waitingMax: 10 });

      const attempts = Array.from({ length: 15 }, (_, n) => store.commit([insert(things, `t${n}`, {})]));
      const settled = await Promise.allSettled(attempts);

      expect(settled.slice(0, 10).every((each) => each.status === 'fulfilled')).toBe(true);
      for (const each of settled.slice(10)) {
        expect(each).toMatchObject({ reason: { code: 'overloaded', retryAfterSeconds: 1 } });
      }
      expect(await store.get(things, 't10')).toBeUndefined();
      expect(await store.commit([insert(things, 't10', {})])).toEqual({ committed: true });
    });
  });
}

export function describeWinners(
  open: (options?: object) => ReturnType<OpenForContract>,
  rounds?: number,
): void {
  const timeout = START_MS + (rounds ?? ROUNDS) * ROUND_MS;
  describe('parallel commits', () => {
    it.each(races)('that $what have exactly one winner (I2)', { timeout }, async ({ prepare, attempt }) => {
      const { store, raceRounds = ROUNDS } = await open();

      for (let round = 0; round < (rounds ?? raceRounds); round += 1) {
        await store.commit([prepare(round)]);
        const attempts = Array.from({ length: CALLERS }, (_, caller) =>
          store.commit([attempt(round, caller)]),
        );
        const outcomes = await Promise.all(attempts);

        expect(outcomes.filter((outcome) => outcome.committed)).toHaveLength(1);
      }
    });
  });
}

/** Read, add one, write on the condition that nobody else did; again where somebody had. */
async function countUp(store: Store, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const count = (await store.get(things, 'counter'))?.count ?? 0;
    const next = patch(things, 'counter', {
      when: [{ path: ['count'], is: count }],
      set: [[['count'], count + 1]],
    });
    if ((await store.commit([next])).committed) done += 1;
  }
}
