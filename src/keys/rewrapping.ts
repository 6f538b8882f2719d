// Moving all keys from the previous master secret to the current one, while servers run that have both.
// The keys themselves stay what they are, so nobody notices. A process that does not have the current secret
// yet may make a key meanwhile; that is found, since the search goes on until none is left. Killed half-way,
// some keys are wrapped by one secret and some by the other; both still open everything, and doing it again
// goes on where it stopped.
import { DomainError } from '../core/errors.ts';
import type { Store, Write } from '../storage/store.ts';
import { patch } from '../storage/store.ts';
import { type KeyRecord, keyRecords } from './keyring.ts';
import type { MasterKeys } from './master-secret.ts';
import { unwrap, wrap } from './wrapping.ts';

export interface Rewrapping {
  /** Keys that the previous master secret wrapped. */
  readonly rewrapped: number;
  /** All keys there are. */
  readonly total: number;
  /** Id of the master that wraps all of them now. */
  readonly master: string;
}

interface Deps {
  readonly store: Pick<Store, 'scan' | 'commit'>;
  readonly masters: MasterKeys;
}

/** The most that a commit takes; fewer keys than that are moved in one, all or none. */
const WRITES_MAX = 500;
const PAGE_SIZE = 500;
const ROUNDS_MAX = 100;

/** Throws `store_unavailable`, and changes nothing, where there is a key that neither secret opens. */
export async function rewrapKeys({ store, masters }: Deps): Promise<Rewrapping> {
  let rewrapped = 0;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const records = await allRecords(store);
    // All are opened before any is written.
    const writes = records.flatMap((record) => rewrapping(masters, record));
    if (writes.length === 0) return { rewrapped, total: records.length, master: masters.current.id };

    const some = writes.slice(0, WRITES_MAX);
    const outcome = await store.commit(some);
    if (outcome.committed) rewrapped += some.length;
  }
  throw new DomainError('overloaded', { detail: 'keys keep being made with the previous master secret' });
}

async function allRecords(store: Pick<Store, 'scan'>): Promise<KeyRecord[]> {
  const records: KeyRecord[] = [];
  let after: string | undefined;
  do {
    const page = await store.scan(keyRecords, { limit: PAGE_SIZE, ...(after !== undefined && { after }) });
    records.push(...page.records.map(({ body }) => body));
    after = page.next;
  } while (after !== undefined);
  return records;
}

/** It depends on what was read: of two that rewrap at once, one does. */
function rewrapping(masters: MasterKeys, record: KeyRecord): Write[] {
  const { bytes, master } = unwrap(masters, record);
  if (master === masters.current.id) return [];

  const fresh = wrap(masters.current, record.id, bytes);
  return [
    patch(keyRecords, record.id, {
      when: [{ path: ['sealed'], is: record.sealed }],
      set: [
        [['sealed'], fresh.sealed],
        [['master'], fresh.master],
      ],
    }),
  ];
}
