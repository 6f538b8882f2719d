// Writes to the target, many to a commit. Each commit depends on the copy being this copier's: one that fell asleep
// over its work and wakes up when another has taken it on changes nothing any more.
import assert from 'node:assert/strict';
import type { RecordType } from '../record-type.ts';
import type { Store, Write } from '../store.ts';
import type { RecordName } from './change-log.ts';
import { type Claim, LANES, takenOver } from './claim.ts';
import { eachOf } from './each-of.ts';

/** Writes of one commit beside its fence. */
const BITE = 99;

/** What a record is to become; without a body it is to be gone. */
export interface Wanted {
  readonly name: RecordName;
  readonly type: RecordType<object>;
  readonly body?: object | undefined;
}

interface Bites {
  readonly target: Store;
  readonly claim: Claim;
  readonly toWrite: (wanted: Wanted) => Write;
}

/** Commits on all lanes at once; resolves to the records whose unique value another one has. */
export async function commitAll(wanted: readonly Wanted[], bites: Bites): Promise<readonly RecordName[]> {
  const free = Array.from({ length: LANES }, (_, lane) => lane);
  const held = await eachOf(cut(wanted), LANES, async (bite) => {
    const lane = free.pop();
    assert(lane !== undefined, 'there are as many lanes as bites under way');
    const refused = await commitBite(bite, { ...bites, lane });
    free.push(lane);
    return refused;
  });
  return held.flat();
}

async function commitBite(
  bite: readonly Wanted[],
  { target, claim, toWrite, lane }: Bites & { lane: number },
): Promise<RecordName[]> {
  const held: RecordName[] = [];
  let left = bite;
  while (left.length > 0) {
    const outcome = await target.commit([claim.fence(lane), ...left.map(toWrite)]);
    if (outcome.committed) break;
    if (outcome.failed.index === 0) throw takenOver();

    const inTheWay = left[outcome.failed.index - 1];
    assert(inTheWay && outcome.failed.cause === 'not_unique', 'nothing but a unique value is in the way');
    held.push(inTheWay.name);
    left = left.filter((each) => each !== inTheWay);
  }
  return held;
}

function cut(wanted: readonly Wanted[]): Wanted[][] {
  return Array.from({ length: Math.ceil(wanted.length / BITE) }, (_, n) =>
    wanted.slice(n * BITE, (n + 1) * BITE),
  );
}
