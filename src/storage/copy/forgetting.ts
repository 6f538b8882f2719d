// What is left of a move in a store that is put back to an earlier state. A backup may have been made while its
// store was being copied, and whoever lost the store that he moved to may go back to the one he left.
import { storeMoves } from '../moves.ts';
import { remove } from '../store.ts';
import { openSource, type SideOptions } from './sides.ts';

/** Makes it a store that takes writes and servers start on, also where it was moved. */
export async function forgetMove(options: SideOptions): Promise<void> {
  const { store, changes, close } = await openSource(options);
  try {
    await store.commit([remove(storeMoves, 'source')]);
    await changes.stop();
  } finally {
    await close();
  }
}
