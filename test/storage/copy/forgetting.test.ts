import { describe, expect, it } from 'vitest';
import { forgetMove } from '../../../src/storage/copy/forgetting.ts';
import { openStore } from '../../../src/storage/open.ts';
import { put } from '../../../src/storage/store.ts';
import { contractTypes, notes } from '../contract-types.ts';
import { house, runCopy } from './copy-fixtures.ts';

describe('forgetMove', () => {
  it.each(['rehearsed', 'moved'] as const)(
    'makes a source that was %s a store like any other',
    async (until) => {
      const place = await house(20);
      await runCopy(place, { until });
      const options = { url: place.from, dataDir: place.dataDir, types: contractTypes };

      await forgetMove(options);

      const store = await openStore(options);
      expect(await store.commit([put(notes, 'new', {})])).toEqual({ committed: true });
      await store.close();
    },
  );
});
