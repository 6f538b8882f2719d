// Histories of commits that drivers and the model are both put through. Few ids, values and moments, so that
// writes meet each other often.
import fc from 'fast-check';
import { recordType } from '../../src/storage/record-type.ts';
import type { Condition, FieldChange, Write } from '../../src/storage/store.ts';

export interface Item {
  login?: unknown;
  group?: unknown;
  rank?: unknown;
  until?: unknown;
  box?: unknown;
}

export const items = recordType<Item>('item', {
  unique: ['login'],
  indexes: { group: { field: 'group', orderBy: 'rank' } },
  expiresAt: 'until',
});

export interface Batch {
  readonly commits: readonly Write[][];
  /** Milliseconds that go by before. */
  readonly passes: number;
  readonly sweep: boolean;
}

interface HistoryOptions {
  /** What a field that lists are ordered by may hold: numbers alone, or whatever comes. */
  readonly ranks: 'numbers' | 'anything';
  /** The time at the beginning. */
  readonly start: number;
}

export const groups = ['red', 'blue'] as const;

const id = fc.constantFrom('a', 'b', 'c', 'd');
const login = fc.constantFrom('ann', 'bob', '\ud800', 7);
const json = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('x', null, true, '__proto__'));
const box = fc.dictionary(fc.constantFrom('a', '__proto__', 'constructor'), json, { noNullPrototype: true });

const boxPath = fc.oneof(
  fc.constant(['box']),
  fc.tuple(fc.constant('box'), fc.constantFrom('a', '__proto__', 'constructor')),
  fc.tuple(fc.constant('box'), fc.constantFrom('a', '__proto__'), fc.constantFrom('b', 'toString')),
);
const path = fc.oneof(fc.constantFrom(['login'], ['group'], ['rank'], ['until']), boxPath);
export function histories(options: HistoryOptions): fc.Arbitrary<Batch[]> {
  const type = fc.constant(items);
  const body = bodies(options);
  const when = fc.array(conditions(options), { maxLength: 2 });
  const set = fc.array(changes(options), { maxLength: 3 });
  const write: fc.Arbitrary<Write> = fc.oneof(
    fc.record({ kind: fc.constant('insert' as const), type, id, body }),
    fc.record({ kind: fc.constant('put' as const), type, id, body }),
    fc.record({ kind: fc.constant('patch' as const), type, id, when, set }),
    fc.record({ kind: fc.constant('remove' as const), type, id, when }),
    fc.record({ kind: fc.constant('check' as const), type, id, when }),
  );
  const commit = fc.uniqueArray(write, { maxLength: 4, selector: (each) => each.id });
  const batch = fc.record({
    commits: fc.array(commit, { maxLength: 6 }),
    passes: fc.integer({ min: 0, max: 6 }),
    sweep: fc.boolean(),
  });
  return fc.array(batch, { maxLength: 8 });
}

function bodies({ ranks, start }: HistoryOptions): fc.Arbitrary<Item> {
  const rank = ranks === 'numbers' ? fc.constantFrom(1, 2, null) : fc.constantFrom(1, 2, 'high');
  const group = fc.constantFrom(...groups);
  return fc.record({ login, group, rank, until: expiry(start), box }, { requiredKeys: [] });
}

function conditions({ start }: HistoryOptions): fc.Arbitrary<Condition> {
  const number = fc.integer({ min: 0, max: 12 });
  const bound = fc.oneof(
    number,
    number.map((ms) => start + ms),
  );
  return fc.oneof(
    fc.record({ path, is: fc.oneof(json, fc.constantFrom('red', 'ann', start + 10)) }),
    fc.record({ path, absent: fc.constant(true as const) }),
    fc.record({ path, present: fc.constant(true as const) }),
    fc.record({ path, above: bound }),
    fc.record({ path, atMost: bound }),
  );
}

function changes({ ranks, start }: HistoryOptions): fc.Arbitrary<FieldChange> {
  const unset = fc.constant(undefined);
  const rank = ranks === 'numbers' ? fc.constantFrom(0, 1, 3, null) : fc.oneof(json, box);
  return fc.oneof(
    fc.tuple(fc.oneof(fc.constantFrom(['login'], ['group'], ['until']), boxPath), fc.oneof(json, unset, box)),
    fc.tuple(fc.constant(['rank']), fc.oneof(rank, unset)),
    fc.tuple(fc.constant(['login']), login),
    fc.tuple(fc.constant(['until']), expiry(start)),
  );
}

function expiry(start: number): fc.Arbitrary<number | null> {
  return fc.constantFrom(start + 5, start + 10, start + 15, start + 20, null);
}
