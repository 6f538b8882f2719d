import { describe, it } from 'vitest';
import { filePlace } from './crash-place.ts';
import { crashRounds } from './crash-rounds.ts';

describe('a server that is killed during a burst of sign-ins and refreshes', () => {
  it('remembers what it has acknowledged, and no code works twice (I2, I8)', async () => {
    await crashRounds({ place: await filePlace(), rounds: 3, seed: 20_260_101 });
  }, 60_000);
});
