// A process that takes part in races, round after round, until it is told that there are no more.
import assert from 'node:assert/strict';
import { openStore } from '../../src/storage/open.ts';
import { raceOf } from './contract-race-writes.ts';
import { contractTypes } from './contract-types.ts';

/** One round of a race, and which callers are in this process. */
export interface Round {
  round: number;
  callers: readonly number[];
}

/** Which of them won it. */
export interface Winners {
  won: readonly number[];
}

const [url, dataDir] = process.argv.slice(2);
assert(url !== undefined && dataDir !== undefined, 'started with the address of a store');
const store = await openStore({ url, dataDir, types: contractTypes });

process.on('message', async ({ round, callers }: Round) => {
  const { attempt } = raceOf(round);
  const outcomes = await Promise.all(callers.map((caller) => store.commit([attempt(round, caller)])));
  process.send?.({ won: callers.filter((_, n) => outcomes[n]?.committed) } satisfies Winners);
});
process.send?.('ready');
