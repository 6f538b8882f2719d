// Many rounds of races for one record, in one process and in four: one winner each. STRATA_RACE_ROUNDS chooses how
// many. On MongoDB as well where MONGODB_URI names one.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, onTestFinished } from 'vitest';
import { openStore } from '../../src/storage/open.ts';
import type { OpenedStore } from '../storage/contract.ts';
import { races } from '../storage/contract-race-writes.ts';
import { describeWinners } from '../storage/contract-races.ts';
import { describeRounds } from '../storage/contract-rounds.ts';
import { contractTypes } from '../storage/contract-types.ts';
import { describeMongo, preparedDatabase } from '../support/mongo.ts';
import { testClock } from '../support/test-clock.ts';

const rounds = Number(process.env.STRATA_RACE_ROUNDS ?? 10_000);

async function opened(address: { url: string; dataDir: string }, startMs?: number): Promise<OpenedStore> {
  const clock = testClock(startMs);
  const store = await openStore({ ...address, clock, types: contractTypes });
  onTestFinished(() => store.close());
  return { store, clock, address, dispose: async () => undefined };
}

describe('in memory', () => {
  describeWinners(async () => {
    const { address: _nobodyElse, ...store } = await opened({ url: 'sqlite::memory:', dataDir: '' });
    return store;
  }, rounds / races.length);
});

describe('in a file', () => {
  const open = async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'strata-races-'));
    onTestFinished(() => rm(dataDir, { recursive: true }));
    return opened({ url: 'sqlite:races.db', dataDir });
  };
  describeWinners(open, rounds / races.length);
  describeRounds(open, rounds);
});

describeMongo('on MongoDB', () => {
  const open = async () => {
    const database = await preparedDatabase(contractTypes);
    onTestFinished(() => database.drop());
    return opened({ url: database.url, dataDir: '' }, Date.UTC(2100, 0, 1));
  };
  describeWinners(open, rounds / races.length);
  describeRounds(open, rounds);
});
