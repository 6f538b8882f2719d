// Where the next page of a list begins, as filters that an index can go to at once.
import type { Filter } from 'mongodb';
import { DomainError } from '../../core/errors.ts';
import { readCursor } from '../cursor.ts';
import type { RecordType } from '../record-type.ts';
import type { ListOptions } from '../store.ts';
import { documentPath } from './body-encoding.ts';
import type { RecordDocument } from './kind.ts';
import { keyOfText, keyRange } from './record-key.ts';

type RecordFilter = Filter<RecordDocument>;

/** The records of a type that a scan has still before it. */
export function unscanned(
  type: RecordType<object>,
  { after, newestFirst = false }: ListOptions,
): RecordFilter {
  const { first, last } = keyRange(type);
  if (after === undefined) return { _id: { $gte: first, $lte: last } };

  const key = keyOfText(String(readCursor(after, false)[0]));
  if (key === undefined) throw new DomainError('invalid_request', { detail: 'the cursor is none of a scan' });
  return { _id: newestFirst ? { $gte: first, $lt: key } : { $gt: key, $lte: last } };
}

/** The records of a list that come after its cursor, by the order field, if there is one, and then by id. */
export function beyondPlace(
  { after, newestFirst = false }: ListOptions,
  orderBy: string | undefined,
): RecordFilter[] {
  if (after === undefined) return [];

  const cursor = readCursor(after, orderBy !== undefined);
  const beyondId = { i: { [newestFirst ? '$lt' : '$gt']: cursor.at(-1) } };
  if (orderBy === undefined) return [beyondId];

  const order = documentPath([orderBy]);
  const place = Number(cursor[0]);
  return newestFirst ? before(order, place, beyondId) : behind(order, place, beyondId);
}

/** Records without a number come first: their place is an infinity. */
function behind(order: string, place: number, beyondId: RecordFilter): RecordFilter[] {
  if (place === Number.NEGATIVE_INFINITY) {
    return [{ $or: [{ [order]: { $gte: place } }, { [order]: null, ...beyondId }] }];
  }
  return [{ [order]: { $gte: place } }, { $or: [{ [order]: { $gt: place } }, beyondId] }];
}

function before(order: string, place: number, beyondId: RecordFilter): RecordFilter[] {
  if (place === Number.NEGATIVE_INFINITY) return [{ [order]: null, ...beyondId }];
  // Not "at most": that would leave out the records without a number.
  return [{ [order]: { $not: { $gt: place } } }, { $or: [{ [order]: { $ne: place } }, beyondId] }];
}
