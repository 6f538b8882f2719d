// Rounds of races between processes: four of them, five callers in each, and a new round for all at once when the
// last one is over.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/storage/store.ts';
import type { OpenForContract } from './contract.ts';
import { startChild } from './contract-children.ts';
import type { Round, Winners } from './contract-race-child.ts';
import { raceOf } from './contract-race-writes.ts';

const PROCESSES = 4;
const CALLERS_EACH = 5;
/** Rounds whose records are made in one commit. */
const PREPARED_AT_ONCE = 100;
/** Enough for a database behind a network and a machine that others use too. */
const START_MS = 60_000;
const ROUND_MS = 500;

/** STRATA_RACE_ROUNDS has more than the few that find a store without any protection. */
export const roundsOfThisRun = Number(process.env.STRATA_RACE_ROUNDS ?? 20);

export function describeRounds(
  open: (options?: object) => ReturnType<OpenForContract>,
  rounds: number = roundsOfThisRun,
): void {
  describe('parallel commits of four processes', () => {
    it(`have one winner in each of ${rounds} rounds (I2)`, {
      timeout: START_MS + rounds * ROUND_MS,
    }, async (context) => {
      const { store, address } = await open();
      if (address === undefined) return context.skip('only one process can use this store');
      const children = await Promise.all(
        Array.from({ length: PROCESSES }, () => startChild(address, 'contract-race-child.ts')),
      );

      for (let round = 0; round < rounds; round += 1) {
        if (round % PREPARED_AT_ONCE === 0) await prepare(store, round, rounds);
        const won = await Promise.all(children.map((child, n) => taken(child, round, n)));
        const { what } = raceOf(round);
        expect({ round, what, winners: won.flat().length }).toEqual({ round, what, winners: 1 });
      }
    });
  });
}

async function prepare(store: Store, from: number, rounds: number): Promise<void> {
  const count = Math.min(PREPARED_AT_ONCE, rounds - from);
  const writes = Array.from({ length: count }, (_, n) => raceOf(from + n).prepare(from + n));
  expect(await store.commit(writes)).toEqual({ committed: true });
}

async function taken(child: ChildProcess, round: number, n: number): Promise<readonly number[]> {
  const callers = Array.from({ length: CALLERS_EACH }, (_, caller) => n * CALLERS_EACH + caller);
  child.send({ round, callers } satisfies Round);
  const [winners]: Winners[] = await once(child, 'message');
  return winners?.won ?? [];
}
