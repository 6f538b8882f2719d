// Wrapping: AES-256-GCM under a master key, bound to the record's id so that no key can be put in another's
// place. A record names the master that wraps it, so that a process with the wrong secret can say which one
// it lacks. Records from before that have no name in them; those are tried with what there is.
import { DomainError } from '../core/errors.ts';
import { open, seal } from '../core/secrets.ts';
import type { MasterKey, MasterKeys } from './master-secret.ts';

/** A key as it lies in the store. */
export interface WrappedKey {
  readonly id: string;
  readonly sealed: string;
  /** Id of the master that wraps it. */
  readonly master?: string;
}

export interface UnwrappedKey {
  readonly bytes: Buffer;
  /** Id of the master that opened it. */
  readonly master: string;
}

/** The fields of a record that hold the key. */
export function wrap(master: MasterKey, id: string, bytes: Uint8Array): { sealed: string; master: string } {
  return { sealed: seal(master.bytes, bytes, id), master: master.id };
}

/** Throws `store_unavailable`, whose detail is a sentence that names the key and the master it wants. */
export function unwrap(masters: MasterKeys, wrapped: WrappedKey): UnwrappedKey {
  for (const master of inOrder(masters)) {
    const mayFit = wrapped.master === undefined || wrapped.master === master.id;
    const bytes = mayFit ? opened(master, wrapped) : undefined;
    if (bytes) return { bytes, master: master.id };
  }
  throw new DomainError('store_unavailable', { detail: refusal(masters, wrapped) });
}

function inOrder({ current, previous }: MasterKeys): readonly MasterKey[] {
  return previous ? [current, previous] : [current];
}

/** Undefined where the key, the id or a single bit is another one; GCM does not tell which. */
function opened(master: MasterKey, { id, sealed }: WrappedKey): Buffer | undefined {
  try {
    return open(master.bytes, sealed, id);
  } catch {
    return undefined;
  }
}

function refusal(masters: MasterKeys, { id, master }: WrappedKey): string {
  const known = inOrder(masters).map((each) => each.id);
  if (master === undefined) {
    return `the key ${id} in the store was wrapped with another master secret than the one that is set (${known.join(', before it ')})`;
  }
  if (known.includes(master)) {
    return `the key ${id} in the store is damaged: the master secret ${master}, which it names, does not open it`;
  }
  return `the key ${id} in the store wants the master secret ${master}, and the one that is set is ${known.join(', before it ')}`;
}
