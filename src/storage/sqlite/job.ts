// What travels between the callers' thread and the engine's.
import { type EncodedWrite, encodedWrites } from '../encoded-write.ts';
import type { CommitOutcome, Write } from '../store.ts';

export type Job = { kind: 'commit'; writes: readonly EncodedWrite[] } | { kind: 'sweep'; limit: number };

export type Answer =
  | { kind: 'outcome'; outcome: CommitOutcome }
  | { kind: 'swept'; count: number }
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
