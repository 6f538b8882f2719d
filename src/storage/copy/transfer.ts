// Brings records from the source into the target, in bites that depend on the copy being this copier's.
import assert from 'node:assert/strict';
import type { RecordType } from '../record-type.ts';
import type { Identified, Store } from '../store.ts';
import { commitAll, type Wanted } from './bites.ts';
import type { ChangeLog, RecordName } from './change-log.ts';
import { type Claim, type CopySides, refused } from './claim.ts';
import { isSame } from './comparison.ts';
import { eachOf } from './each-of.ts';
import { fingerprint, type Tally } from './tally.ts';

/** Reads under way at once: as many as a pool of connections has room for. */
const READS = 16;

export interface Transfer {
  /** Puts records that the source had a moment ago. */
  bring(type: RecordType<object>, records: readonly Identified<object>[]): Promise<void>;
  /**
   * Makes each record in the target what it is in the source now. Resolves to those that cannot be yet, since
   * another record has the unique value: both were changed while this was read, and will be named again.
   * Where tallies of the target are given, each record is read back and compared, and they follow.
   */
  bringAgain(
    names: readonly RecordName[],
    tallies?: ReadonlyMap<string, Tally>,
  ): Promise<readonly RecordName[]>;
}

export function createTransfer(
  sides: CopySides,
  { claim, changes }: { claim: Claim; changes: ChangeLog },
): Transfer {
  const { source, target } = sides;
  const types = new Map(sides.types.map((type) => [type.name, type]));

  async function bring(type: RecordType<object>, records: readonly Identified<object>[]): Promise<void> {
    const wanted = records.map(({ id, body }) => ({ name: { type: type.name, id }, type, body }));
    changes.copied?.(wanted.map(({ name }) => name));
    // A record whose unique value another one has was changed since the copy began, and will be named.
    await commitAll(wanted, { target, claim, manner: 'fresh' });
  }

  async function bringAgain(
    names: readonly RecordName[],
    tallies?: ReadonlyMap<string, Tally>,
  ): Promise<readonly RecordName[]> {
    const wanted = await bodiesOf(source, names);
    if (tallies === undefined) return makeSo(wanted);

    const before = await bodiesOf(target, names);
    const held = await makeSo(wanted);
    const after = await bodiesOf(target, names);
    for (const { name, body } of before) {
      if (body !== undefined) tallies.get(name.type)?.remove(fingerprint(name.id, body));
    }
    for (const [index, { name, body }] of after.entries()) {
      if (body !== undefined) tallies.get(name.type)?.add(fingerprint(name.id, body));
      const meant = wanted[index];
      if (meant !== undefined && !held.includes(meant.name)) refuseDifferent(meant, body);
    }
    return held;
  }

  function refuseDifferent({ type, body }: Wanted, found: object | undefined): void {
    if (isSame(sides, type, [body, found])) return;
    throw refused(`${sides.to} answers a record of ${type.name} otherwise than it was written`);
  }

  async function makeSo(wanted: readonly Wanted[]): Promise<readonly RecordName[]> {
    changes.copied?.(wanted.map(({ name }) => name));
    const held = await commitAll(wanted, { target, claim, manner: 'anyway' });
    if (held.length === 0) return [];

    // The record that has the value may be among them, and gives it up only now.
    const again = wanted.filter(({ type }) => type.unique.length > 0);
    const away = again.map(({ name, type }) => ({ name, type }));
    await commitAll(away, { target, claim, manner: 'anyway' });
    return commitAll(again, { target, claim, manner: 'fresh' });
  }

  async function bodiesOf(store: Store, names: readonly RecordName[]): Promise<Wanted[]> {
    return eachOf(names, READS, async (name) => {
      const type = types.get(name.type);
      assert(type !== undefined, `the change log names the record type "${name.type}", which is not copied`);
      return { name, type, body: await store.get(type, name.id) };
    });
  }

  return { bring, bringAgain };
}
