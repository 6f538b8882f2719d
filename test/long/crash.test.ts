// Many kills on the same data. STRATA_CRASH_ROUNDS and STRATA_CRASH_SEED choose how many, and other moments. On
// MongoDB as well where a stand-in is installed or MONGODB_URI names a server.
import { describe, it } from 'vitest';
import { filePlace } from '../flows/crash-place.ts';
import { crashRounds } from '../flows/crash-rounds.ts';
import { mongoPlace } from '../storage/mongo/crash-place.ts';
import { mongoUri } from '../support/mongo.ts';
import { isStandInInstalled } from '../support/standin-process.ts';

const { STRATA_CRASH_ROUNDS, STRATA_CRASH_SEED = '1' } = process.env;
const seed = Number(STRATA_CRASH_SEED);

describe('a server that is killed again and again', () => {
  it('remembers what it has acknowledged, and no code works twice (I2, I8)', async () => {
    await crashRounds({ place: await filePlace(), rounds: Number(STRATA_CRASH_ROUNDS ?? 100), seed });
  });
});

describe.skipIf(mongoUri() === undefined && !isStandInInstalled())('and its database with it', () => {
  it('remembers it all the same, and finds back to a database that was away (I2, I8, I9)', async () => {
    await crashRounds({ place: await mongoPlace(), rounds: Number(STRATA_CRASH_ROUNDS ?? 30), seed });
  });
});
