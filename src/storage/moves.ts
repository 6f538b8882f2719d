// What a store knows of being moved: to where its records are copied, or from where they come. It stands in the
// store itself, so that every process that opens it knows, and nobody signs people in on half a copy, or on a
// store that was left behind.
import { DomainError } from '../core/errors.ts';
import { recordType } from './record-type.ts';
import type { Store } from './store.ts';

/** On the store that is copied. */
export interface MoveSource {
  readonly kind: 'source';
  readonly copyId: string;
  /** The other store, without secrets, for sentences. */
  readonly to: string;
  readonly phase: 'copying' | 'moved';
  /** Writes are refused from then on and until then, for drivers whose processes have to ask. */
  readonly frozenFrom?: number;
  readonly frozenUntil?: number;
}

/** On the store that is filled; gone when it is complete. */
export interface MoveTarget {
  readonly kind: 'target';
  readonly copyId: string;
  readonly from: string;
  /** The copier at work, and until when it has the copy for itself unless it says so again. */
  readonly holder: string;
  readonly leaseUntil: number;
  /** Up to where the changes of the source are in the copy; absent before its records are read. */
  readonly position?: string;
  /** Types of which every record was copied once. */
  readonly copied: readonly string[];
  /** How far the next type after these got. */
  readonly cursor?: string;
}

/** On the store that is filled: a commit of the copier depends on one, so that only its holder's are applied. */
export interface MoveFence {
  readonly kind: 'fence';
  readonly holder: string;
}

export const storeMoves = recordType<MoveSource | MoveTarget | MoveFence>('store_moves');

export async function moveSource(store: Store): Promise<MoveSource | undefined> {
  const found = await store.get(storeMoves, 'source');
  return found?.kind === 'source' ? found : undefined;
}

export async function moveTarget(store: Store): Promise<MoveTarget | undefined> {
  const found = await store.get(storeMoves, 'target');
  return found?.kind === 'target' ? found : undefined;
}

/** Throws `store_unavailable` where the records of the product are elsewhere, or are not all here yet. */
export async function refuseMoving(store: Store): Promise<void> {
  const [source, target] = await Promise.all([moveSource(store), moveTarget(store)]);

  if (source?.phase === 'moved') {
    throw refused(`this store was moved to ${source.to}: set store.url to that, this one is out of date`);
  }
  if (target !== undefined) {
    const remedy = 'run the same strata store copy again to finish it';
    throw refused(`this store is the unfinished copy of ${target.from}: ${remedy}, or remove it`);
  }
}

/** How a commit is refused while the store is frozen, and for good once it was moved. */
export function storeIsMoving(): DomainError {
  return new DomainError('overloaded', { detail: 'the store is being moved', retryAfterSeconds: 5 });
}

function refused(detail: string): DomainError {
  return new DomainError('store_unavailable', { detail });
}
