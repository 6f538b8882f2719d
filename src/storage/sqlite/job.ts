// What travels between the callers' thread and the engine's. Values are JSON text from the moment `commit` is
// called: what the caller does to the objects afterwards changes nothing, and the copy between threads is cheap.
import assert from 'node:assert/strict';
import type { EncodedChange } from '../body.ts';
import type { CommitOutcome, Condition, Write } from '../store.ts';

const WRITES_MAX = 500;

interface Target {
  readonly type: string;
  readonly id: string;
}

export type EncodedWrite = Target &
  (
    | { readonly kind: 'insert'; readonly json: string }
    | { readonly kind: 'put'; readonly json: string }
    | { readonly kind: 'patch'; readonly when: readonly Condition[]; readonly set: readonly EncodedChange[] }
    | { readonly kind: 'remove'; readonly when: readonly Condition[] }
    | { readonly kind: 'check'; readonly when: readonly Condition[] }
  );

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
  assert(writes.length <= WRITES_MAX, `a commit holds at most ${WRITES_MAX} writes, not ${writes.length}`);
  const records = new Set(writes.map((write) => JSON.stringify([write.type.name, write.id])));
  assert(records.size === writes.length, 'a commit holds at most one write for each record');

  return { kind: 'commit', writes: writes.map(encodedWrite) };
}

function encodedWrite(write: Write): EncodedWrite {
  const { kind, id } = write;
  const type: string = write.type.name;

  switch (kind) {
    case 'insert':
    case 'put':
      return { kind, type, id, json: JSON.stringify(write.body) };
    case 'patch':
      return { kind, type, id, when: write.when, set: write.set.map(encodedChange) };
    case 'remove':
    case 'check':
      return { kind, type, id, when: write.when };
  }
}

function encodedChange([path, value]: readonly [path: readonly string[], value: unknown]): EncodedChange {
  assert(path.length > 0, 'the path of a change names at least one key');
  const json = JSON.stringify(value);
  return json === undefined ? [path] : [path, json];
}
