// What a killed server has left on the disk, looked at in a copy: whether the file is sound, and whether what
// one commit writes together is there together.
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemClock } from '../../src/core/clock.ts';
import { recordTypes } from '../../src/records.ts';
import { openStore } from '../../src/storage/open.ts';
import { type HalfDone, halfDoneIn } from './half-done.ts';

export interface CrashImage extends HalfDone {
  /** `ok` where SQLite finds nothing wrong. */
  integrity: unknown;
}

export async function inspectCrashImage(dataDir: string): Promise<CrashImage> {
  const copy = await mkdtemp(join(tmpdir(), 'strata-crash-image-'));
  await cp(dataDir, copy, { recursive: true });
  try {
    const integrity = integrityOf(join(copy, 'strata.db'));
    const store = await openStore({
      url: 'sqlite:strata.db',
      dataDir: copy,
      clock: systemClock(),
      types: recordTypes,
    });
    const found = await halfDoneIn(store);
    await store.close();
    return { integrity, ...found };
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

function integrityOf(file: string): unknown {
  const db = new DatabaseSync(file);
  try {
    return db.prepare('PRAGMA integrity_check').all();
  } finally {
    db.close();
  }
}
