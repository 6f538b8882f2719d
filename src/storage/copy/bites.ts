// Writes to the target, many to a commit. Each commit depends on the copy being this copier's: one that fell asleep
// over its work and wakes up when another has taken it on changes nothing any more.
import assert from 'node:assert/strict';
import type { RecordType } from '../record-type.ts';
import { insert, put, remove, type Store, type Write } from '../store.ts';
import type { RecordName } from './change-log.ts';
import { type Claim, LANES, takenOver } from './claim.ts';
import { eachOf } from './each-of.ts';

/** Writes of one commit beside its fence, and how long their JSON may be together, unless it is one alone. */
const WRITES_MAX = 99;
const LENGTH_MAX = 1_000_000;

/** What a record is to become; without a body it is to be gone. */
export interface Wanted {
  readonly name: RecordName;
  readonly type: RecordType<object>;
  readonly body?: object | undefined;
}

/** `fresh` expects records that are not there yet, which is less work for some databases. */
type Manner = 'fresh' | 'anyway';

interface Bites {
  readonly target: Store;
  readonly claim: Claim;
  readonly manner: Manner;
}

/** Commits on all lanes at once; resolves to the records whose unique value another one has. */
export async function commitAll(wanted: readonly Wanted[], bites: Bites): Promise<readonly RecordName[]> {
  const free = Array.from({ length: LANES }, (_, lane) => lane);
  const held = await eachOf(cut(wanted), LANES, async (bite) => {
    const lane = free.pop();
    assert(lane !== undefined, 'there are as many lanes as bites under way');
    const inTheWay = await commitBite(bite, { ...bites, lane });
    free.push(lane);
    return inTheWay;
  });
  return held.flat();
}

async function commitBite(
  bite: readonly Wanted[],
  { target, claim, lane, ...bites }: Bites & { lane: number },
): Promise<RecordName[]> {
  const held: RecordName[] = [];
  let { manner } = bites;
  let left = bite;
  while (left.length > 0) {
    const outcome = await target.commit([claim.fence(lane), ...left.map((each) => writeOf(each, manner))]);
    if (outcome.committed) break;

    const { index, cause } = outcome.failed;
    if (index === 0) throw takenOver();
    if (cause === 'exists') {
      // An earlier run got further than it could say.
      manner = 'anyway';
      continue;
    }
    const inTheWay = left[index - 1];
    assert(inTheWay && cause === 'not_unique', 'nothing but a unique value is in the way');
    held.push(inTheWay.name);
    left = left.filter((each) => each !== inTheWay);
  }
  return held;
}

function writeOf({ type, name: { id }, body }: Wanted, manner: Manner): Write {
  if (body === undefined) return remove(type, id);
  return manner === 'fresh' ? insert(type, id, body) : put(type, id, body);
}

function cut(wanted: readonly Wanted[]): Wanted[][] {
  const bites: Wanted[][] = [];
  let room = 0;
  for (const each of wanted) {
    const length = JSON.stringify(each.body ?? '').length;
    const last = bites.at(-1);
    if (last === undefined || last.length === WRITES_MAX || room < length) {
      bites.push([each]);
      room = LENGTH_MAX - length;
    } else {
      last.push(each);
      room -= length;
    }
  }
  return bites;
}
