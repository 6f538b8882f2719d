import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openStore } from '../../src/storage/open.ts';
import { testClock } from '../support/test-clock.ts';
import { describeStoreContract } from './contract.ts';
import { contractTypes } from './contract-types.ts';

describeStoreContract('SQLite in memory', async (options) => {
  const clock = testClock();
  const url = 'sqlite::memory:';
  const store = await openStore({ url, dataDir: '', clock, types: contractTypes, ...options });
  return { store, clock, dispose: () => store.close() };
});

describeStoreContract('SQLite in a file', async (options) => {
  const clock = testClock();
  const address = { url: 'sqlite:contract.db', dataDir: await mkdtemp(join(tmpdir(), 'strata-')) };
  const open = () => openStore({ ...address, clock, types: contractTypes, ...options });
  const store = await open();
  let last = store;

  async function reopen() {
    await last.close();
    last = await open();
    return last;
  }

  function damage() {
    const db = new DatabaseSync(join(address.dataDir, 'contract.db'), { readOnly: true });
    const lines = db
      .prepare('PRAGMA integrity_check')
      .all()
      .map((row) => String(row.integrity_check));
    db.close();
    return lines.filter((line) => line !== 'ok');
  }

  async function dispose() {
    await last.close();
    await rm(address.dataDir, { recursive: true });
  }

  return { store, clock, address, reopen, damage, dispose };
});
