// Many kills on the same data. STRATA_CRASH_ROUNDS and STRATA_CRASH_SEED choose how many, and other moments.
import { describe, it } from 'vitest';
import { crashRounds } from '../flows/crash-rounds.ts';

describe('a server that is killed again and again', () => {
  it('remembers what it has acknowledged, and no code works twice (I2, I8)', async () => {
    const { STRATA_CRASH_ROUNDS: rounds = '100', STRATA_CRASH_SEED: seed = '1' } = process.env;
    await crashRounds({ rounds: Number(rounds), seed: Number(seed) });
  });
});
