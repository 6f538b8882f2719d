// Whether two stores hold the same: every record is read on both sides, and what differs is looked at again, one by
// one. The source may be in use meanwhile; what its change log names is then no difference.
import { recordPages } from '../record-pages.ts';
import type { RecordType } from '../record-type.ts';
import type { Store } from '../store.ts';
import type { RecordName } from './change-log.ts';
import type { CopySides } from './claim.ts';
import { eachOf } from './each-of.ts';
import { canonicalJson, fingerprint, Tally } from './tally.ts';

const PAGE = 1_000;
const READS = 16;

export interface Compared {
  /** Of the target, by the name of the type. */
  readonly tallies: ReadonlyMap<string, Tally>;
  /** Records that were not the same at the moment they were looked at. */
  readonly suspects: readonly RecordName[];
}

/** `onPage` is awaited between any two pages. */
export async function compareStores(sides: CopySides, onPage: () => Promise<void>): Promise<Compared> {
  const tallies = new Map<string, Tally>();
  const suspects: RecordName[] = [];
  for (const type of sides.types) {
    const ours = await tallyOf(sides.target, type, onPage);
    const theirs = await tallyOf(sides.source, type, onPage);
    tallies.set(type.name, ours);
    suspects.push(...(await differencesOf(sides, { type, buckets: ours.differing(theirs), onPage })));
  }
  return { tallies, suspects };
}

/** Whether both sides say the same; a record that is about to expire may be gone on one of them already. */
export function isSame(
  { source, target }: Pick<CopySides, 'source' | 'target'>,
  type: RecordType<object>,
  [one, other]: readonly [object | undefined, object | undefined],
): boolean {
  const now = Math.max(source.clock.now(), target.clock.now());
  const [left, right] = [one, other].map((body) =>
    body === undefined || isExpired(type, body, now) ? undefined : canonicalJson(body),
  );
  return left === right;
}

function isExpired({ expiresAt }: RecordType<object>, body: object, now: number): boolean {
  const end: unknown = expiresAt === undefined ? undefined : Reflect.get(body, expiresAt);
  return typeof end === 'number' && end <= now;
}

async function tallyOf(store: Store, type: RecordType<object>, onPage: () => Promise<void>): Promise<Tally> {
  const tally = new Tally();
  for await (const page of recordPages(store, type, PAGE)) {
    for (const { id, body } of page) tally.add(fingerprint(id, body));
    await onPage();
  }
  return tally;
}

/** Looks at each record of these buckets, as it is on both sides by then. */
async function differencesOf(
  sides: CopySides,
  options: { type: RecordType<object>; buckets: ReadonlySet<number>; onPage: () => Promise<void> },
): Promise<RecordName[]> {
  const { type, buckets, onPage } = options;
  const differing = new Set<string>();
  if (buckets.size === 0) return [];

  for (const store of [sides.source, sides.target]) {
    for await (const page of recordPages(store, type, PAGE)) {
      const looked = page.filter(({ id, body }) => buckets.has(fingerprint(id, body).bucket));
      await eachOf(looked, READS, async ({ id }) => {
        const both = await Promise.all([sides.source.get(type, id), sides.target.get(type, id)]);
        if (!isSame(sides, type, both)) differing.add(id);
      });
      await onPage();
    }
  }
  return [...differing].map((id) => ({ type: type.name, id }));
}
