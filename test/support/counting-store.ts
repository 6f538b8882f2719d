// A store that counts what it is asked, for tests that hold a request to its cost: how many reads, how many
// commits, and which records were written.
import type { Store, Write } from '../../src/storage/store.ts';
import { forwardingStore } from './forwarding-store.ts';

export interface StoreCounts {
  gets: number;
  finds: number;
  lists: number;
  scans: number;
  commits: number;
  /** The writes of all commits in their order: `patch device_session`. */
  writes: string[];
}

export interface CountingStore extends Store {
  counts(): StoreCounts;
  reset(): void;
}

export function countingStore(store: Store): CountingStore {
  let counts = noCounts();

  const counting = forwardingStore(store, {
    get(type, id) {
      counts.gets += 1;
      return store.get(type, id);
    },
    find(type, field, value) {
      counts.finds += 1;
      return store.find(type, field, value);
    },
    list(type, index, value, options) {
      counts.lists += 1;
      return store.list(type, index, value, options);
    },
    scan(type, options) {
      counts.scans += 1;
      return store.scan(type, options);
    },
    commit(writes) {
      counts.commits += 1;
      counts.writes.push(...writes.map(nameOf));
      return store.commit(writes);
    },
  });
  const reset = () => {
    counts = noCounts();
  };
  return { ...counting, counts: () => structuredClone(counts), reset };
}

function noCounts(): StoreCounts {
  return { gets: 0, finds: 0, lists: 0, scans: 0, commits: 0, writes: [] };
}

function nameOf({ kind, type }: Write): string {
  return `${kind} ${type.name}`;
}
