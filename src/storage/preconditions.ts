// What a write asks of its own record, and what it makes of it: the same for every driver that judges a commit
// in process.
import { applyChange, type Body, bodyOf, holds } from './body.ts';
import type { EncodedWrite, EncodedWriteOf } from './encoded-write.ts';
import type { FailedPrecondition } from './store.ts';

export type Failure = Omit<FailedPrecondition, 'index'>;

/** The preconditions on the record itself: whether it is there, and what its fields hold. */
export function failedOnRecord(write: EncodedWrite, live: Body | undefined): Failure | undefined {
  if (write.kind === 'put') return undefined;
  if (write.kind === 'insert') return live && { cause: 'exists' };
  if (write.kind === 'remove' && write.when.length === 0) return undefined;
  if (live === undefined) return { cause: 'missing' };

  const condition = write.when.find((each) => !holds(each, live));
  return condition && { cause: 'condition', condition };
}

/** The body that the write leaves. Changes the one that is given, so that should be nobody else's. */
export function bodyAfter(write: EncodedWriteOf<'insert' | 'put' | 'patch'>, live: Body): Body {
  if (write.kind !== 'patch') return bodyOf(write.json);

  for (const change of write.set) applyChange(live, change);
  return live;
}
