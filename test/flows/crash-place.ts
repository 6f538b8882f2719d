// What a server keeps its records in while it is killed again and again: a file, or a database that may be
// killed as well.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectCrashImage } from './crash-image.ts';

export interface CrashFindings {
  /** How many sessions there are. */
  sessions: number;
  /** A sentence for each thing that is there by half, and for whatever the database finds wrong with itself. */
  complaints: string[];
}

export interface CrashPlace {
  /** As `store.url` and `dataDir`, for the server's process. */
  readonly url: string;
  readonly dataDir: string;
  /**
   * Whether the server may be away without a strike: where transactions that a killed one has left open are in
   * the way of others until the database ends them.
   */
  readonly mayBeAway: boolean;
  /** Absent where there is no process of the database, or it is not ours to kill. */
  readonly database?: {
    kill(): Promise<void>;
    /** At the same address, with what the killed one has left. */
    restart(): Promise<void>;
  };
  /** Looked at while nothing is asked of the server. */
  inspect(): Promise<CrashFindings>;
  remove(): Promise<void>;
}

export async function filePlace(): Promise<CrashPlace> {
  const dataDir = await mkdtemp(join(tmpdir(), 'strata-crash-'));
  return {
    url: 'sqlite:strata.db',
    dataDir,
    mayBeAway: false,
    inspect: () => inspectFile(dataDir),
    remove: () => rm(dataDir, { recursive: true, force: true }),
  };
}

async function inspectFile(dataDir: string): Promise<CrashFindings> {
  const { integrity, sessions, halves } = await inspectCrashImage(dataDir);
  const answer = JSON.stringify(integrity);
  const isSound = answer === JSON.stringify([{ integrity_check: 'ok' }]);
  return { sessions, complaints: [...(isSound ? [] : [answer]), ...halves] };
}
