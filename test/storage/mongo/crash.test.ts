import { it } from 'vitest';
import { crashRounds } from '../../flows/crash-rounds.ts';
import { describeMongo } from '../../support/mongo.ts';
import { mongoPlace } from './crash-place.ts';

describeMongo(
  'a server on MongoDB that is killed during a burst of sign-ins, and its database with it',
  () => {
    it('remembers what it has acknowledged, and finds back to a database that was away (I2, I8, I9)', async () => {
      await crashRounds({ place: await mongoPlace(), rounds: 3, seed: 20_260_101 });
    }, 180_000);
  },
);
