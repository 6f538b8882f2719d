// The store contract on the MongoDB that MONGODB_URI names: a replica set (one member is enough) or a sharded
// cluster, where databases named strata_test_… may be made and dropped.
import { describe, it } from 'vitest';
import { openStore } from '../../src/storage/open.ts';
import { mongoUri, preparedDatabase } from '../support/mongo.ts';
import { testClock } from '../support/test-clock.ts';
import { describeStoreContract } from './contract.ts';
import { contractTypes } from './contract-types.ts';

if (mongoUri() === undefined) {
  describe.skip('the store contract, MongoDB', () => {
    it.todo('runs where there is a server: npm run test:mongodb');
  });
} else {
  describeStoreContract('MongoDB', async (options) => {
    // Years ahead: the database removes by its own time what has expired, and shall not find anything here.
    const clock = testClock(Date.UTC(2100, 0, 1));
    const database = await preparedDatabase(options.types ?? contractTypes);
    const address = { url: database.url, dataDir: '' };
    const open = () => openStore({ ...address, clock, types: contractTypes, ...options });
    const store = await open();
    let last = store;

    async function reopen() {
      await last.close();
      last = await open();
      return last;
    }

    async function dispose() {
      await last.close();
      await database.drop();
    }

    return { store, clock, address, reopen, dispose, sweepsItself: true, unordered: true, raceRounds: 20 };
  });
}
