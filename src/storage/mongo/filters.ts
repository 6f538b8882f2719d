// Preconditions as filters. They agree with `holds` in ../body.ts, on every body: a path never leads into a
// list (lists are opaque), and comparisons here, as there, are among values of one type.
import assert from 'node:assert/strict';
import type { Filter } from 'mongodb';
import type { Path, RecordType } from '../record-type.ts';
import type { Condition } from '../store.ts';
import { documentPath, encodedValue, PATH_KEYS_MAX } from './body-encoding.ts';
import type { RecordDocument } from './kind.ts';
import { recordKey } from './record-key.ts';

type RecordFilter = Filter<RecordDocument>;

/** The record with this id where it is live and everything holds. */
export function liveRecord(
  type: RecordType<object>,
  id: string,
  { now, when }: { now: number; when: readonly Condition[] },
): RecordFilter {
  return allOf([{ _id: recordKey(type, id) }, ...liveFilters(type, now), ...when.map(conditionFilter)]);
}

/** The record with this id where its time is over; undefined where records of the type have no end. */
export function expiredRecord(type: RecordType<object>, id: string, now: number): RecordFilter | undefined {
  if (type.expiresAt === undefined) return undefined;
  return { _id: recordKey(type, id), [documentPath([type.expiresAt])]: { $lte: now } };
}

/** What is asked of a record that a read may return; nothing where records of the type have no end. */
export function liveFilters({ expiresAt }: RecordType<object>, now: number): RecordFilter[] {
  return expiresAt === undefined ? [] : [{ [documentPath([expiresAt])]: { $not: { $lte: now } } }];
}

/** One filter that asks for all of it; flat where no two ask about the same field. */
export function allOf(filters: readonly RecordFilter[]): RecordFilter {
  const fields = filters.flatMap((filter) => Object.keys(filter));
  const isFlat = new Set(fields).size === fields.length;
  return isFlat ? Object.assign({}, ...filters) : { $and: [...filters] };
}

export function conditionFilter(condition: Condition): RecordFilter {
  const { path } = condition;
  return { [checkedPath(path)]: operatorOf(condition) };
}

/** Where a field is found that a condition or a change names; throws where a path is too long to be followed. */
export function checkedPath(path: Path): string {
  assert(path.length <= PATH_KEYS_MAX, `a path has at most ${PATH_KEYS_MAX} keys, not ${path.length}`);
  return documentPath(path);
}

function operatorOf(condition: Condition): RecordFilter[string] {
  if ('absent' in condition) return { $exists: false };
  if ('present' in condition) return { $exists: true };
  if ('above' in condition) return { $gt: condition.above };
  if ('atMost' in condition) return { $lte: condition.atMost };
  // An equality with null would hold for what is absent, too.
  if (condition.is === null) return { $type: 'null' };
  return { $eq: encodedValue(condition.is, condition.path.length) };
}
