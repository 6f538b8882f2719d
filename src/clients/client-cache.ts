// The clients that requests ask for again and again. Whoever changes one wakes the others on the store, and
// they look again; since wake-ups may be lost, none is believed for longer than a second in any case.
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../core/clock.ts';
import type { Store } from '../storage/store.ts';
import { type ClientRecord, clientRecords } from './client.ts';

export interface ClientCache {
  find(clientId: string): Promise<ClientRecord | undefined>;
  /** This client has changed, or, where none is named, any may have. */
  forget(clientId?: string): void;
}

interface Entry {
  client: ClientRecord;
  /** Milliseconds since the epoch. */
  readAt: number;
}

const CACHE_MS = 1000;
const CACHE_MAX = 10_000;
/** No client has a longer id (client.ts). */
const ID_LENGTH_MAX = 128;
const LONG_AGO = Number.NEGATIVE_INFINITY;

export function createClientCache({ store, clock }: { store: Store; clock: Clock }): ClientCache {
  // Of clients that are there only: anybody may ask for ids that nobody has.
  const entries = new Map<string, Entry>();
  let timesForgotten = 0;

  async function find(clientId: string): Promise<ClientRecord | undefined> {
    if (clientId.length > ID_LENGTH_MAX) return undefined;

    const now = clock.now();
    const known = entries.get(clientId);
    if (known && now - known.readAt < CACHE_MS) return known.client;

    const before = timesForgotten;
    const read = await store.get(clientRecords, clientId);
    if (!read) {
      entries.delete(clientId);
      return undefined;
    }
    // An unchanged record stays the same object: what others have made of it is good until it changes.
    const client = known && isDeepStrictEqual(read, known.client) ? known.client : read;
    if (entries.size >= CACHE_MAX) entries.clear();
    // What was changed while it was being read may not be in it.
    entries.set(clientId, { client, readAt: timesForgotten === before ? now : LONG_AGO });
    return client;
  }

  function forget(clientId?: string): void {
    timesForgotten += 1;
    for (const entry of clientId === undefined ? entries.values() : [entries.get(clientId)]) {
      if (entry) entry.readAt = LONG_AGO;
    }
  }

  return { find, forget };
}
