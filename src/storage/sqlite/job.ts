// What travels between the callers' thread and the engine's.
import { type EncodedWrite, encodedWrites } from '../encoded-write.ts';
import type { CommitOutcome, Write } from '../store.ts';
import type { WakeUp } from './wake-up-table.ts';

export type Job =
  | { kind: 'commit'; writes: readonly EncodedWrite[] }
  | { kind: 'sweep'; limit: number }
  | { kind: 'wake_up'; wakeUp: WakeUp };

export type Answer =
  | { kind: 'outcome'; outcome: CommitOutcome }
  | { kind: 'swept'; count: number }
  | { kind: 'noted' }
  /** Nothing was done, since the store is being moved. */
  | { kind: 'moving' }
  /** The outcome could not be had; a sentence for the log says why. */
  | { kind: 'failed'; detail: string };

/**
 * Jobs that were collected together, and the time by the store's clock when they were handed to the engine:
 * what has expired by then does not exist for them. The time that the engine itself takes is not counted, so
 * behind a slow disk a record may be found live for as long as the batch before it took.
 */
export interface Batch {
  now: number;
  jobs: readonly Job[];
}

export function commitJob(writes: readonly Write[]): Job {
  return { kind: 'commit', writes: encodedWrites(writes) };
}

/** How much of a job has to be kept while it waits: its ids and JSON text, in bytes of UTF-8. */
export function bytesOf(job: Job): number {
  if (job.kind === 'sweep') return 0;
  const texts = job.kind === 'commit' ? job.writes.flatMap(textsOf) : Object.values(job.wakeUp);
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

function textsOf(write: EncodedWrite): string[] {
  switch (write.kind) {
    case 'insert':
    case 'put':
      return [write.id, write.json];
    case 'patch':
      return [write.id, ...write.set.map(([, json]) => json ?? '')];
    case 'remove':
    case 'check':
      return [write.id];
  }
}
