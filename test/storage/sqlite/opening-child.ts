// Opens a database file as a server does, in a process of its own, and says what came of it.
import process from 'node:process';
import { recordTypes } from '../../../src/records.ts';
import { openStore } from '../../../src/storage/open.ts';

const [, , dataDir = ''] = process.argv;
process.send?.('opening');
try {
  const store = await openStore({
    url: 'sqlite:strata.db',
    dataDir,
    types: recordTypes,
    busyTimeoutMs: 20_000,
  });
  process.send?.('open');
  await store.close();
} catch (error) {
  process.send?.(error instanceof Error && 'detail' in error ? error.detail : String(error));
}
process.disconnect?.();
