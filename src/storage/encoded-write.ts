// A write as it travels to a driver's engine. Values are JSON text from the moment `commit` is called: what the
// caller does to the objects afterwards changes nothing, and a copy to another thread is cheap.
import assert from 'node:assert/strict';
import type { EncodedChange } from './body.ts';
import type { Condition, Write } from './store.ts';

const WRITES_MAX = 500;

interface Target {
  /** The name of the record's type. */
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

export type EncodedWriteOf<Kind extends EncodedWrite['kind']> = Extract<EncodedWrite, { kind: Kind }>;

/** The writes of one commit; throws where they are more than a commit holds, or two are about one record. */
export function encodedWrites(writes: readonly Write[]): EncodedWrite[] {
  assert(writes.length <= WRITES_MAX, `a commit holds at most ${WRITES_MAX} writes, not ${writes.length}`);
  const records = new Set(writes.map((write) => JSON.stringify([write.type.name, write.id])));
  assert(records.size === writes.length, 'a commit holds at most one write for each record');

  return writes.map(encodedWrite);
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
