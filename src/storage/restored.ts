// What a store knows of having been restored from a backup. It forgot all that happened since that was made, so
// whoever judges by what was used or ended must know from when on the store remembers again.
import { DomainError } from '../core/errors.ts';
import { recordType } from './record-type.ts';
import type { Store } from './store.ts';

export interface RestoreRecord {
  /** `voiding`: codes of the time before are still in it, and nobody may serve them. */
  readonly state: 'voiding' | 'done';
  /** What it remembers from then on is all that happened; milliseconds since the epoch, by the store's clock. */
  readonly at: number;
}

export const restores = recordType<RestoreRecord>('restore');

/** The last restore is the only one that anybody asks for. */
export const LAST_RESTORE = 'last';

export async function lastRestore(store: Pick<Store, 'get'>): Promise<RestoreRecord | undefined> {
  return store.get(restores, LAST_RESTORE);
}

/** Throws `store_unavailable` where a restore was begun and did not come to its end. */
export function refuseHalfRestored(restore: RestoreRecord | undefined): void {
  if (restore?.state !== 'voiding') return;

  const detail =
    'the store was restored from a backup, and what must not work any more is still in it: run strata restore again';
  throw new DomainError('store_unavailable', { detail });
}
