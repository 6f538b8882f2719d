// Which collections and indexes the record types need. Records share a collection with all others of their
// lifetime, so that the indexes which every record pays for are few; those of one type are partial.
import assert from 'node:assert/strict';
import type { IndexDescription } from 'mongodb';
import type { RecordType } from '../record-type.ts';
import { documentPath } from './body-encoding.ts';

/** Claims on unique values, see claims.ts. */
export const CLAIMS = 'claims';

const COLLECTIONS = { token: 'tokens', session: 'sessions', lasting: 'lasting' } as const;

export const RECORD_COLLECTIONS: readonly string[] = Object.values(COLLECTIONS);

export interface CollectionLayout {
  readonly name: string;
  readonly indexes: readonly NamedIndex[];
}

export type NamedIndex = IndexDescription & { readonly name: string };

/** A broom only: what `x` says has been over for a while, and reads never trust that it was swept. */
const EXPIRY_INDEX: NamedIndex = { name: 'expiry', key: { x: 1 }, expireAfterSeconds: 0 };

/** The collections for these types and their claims, each with all its indexes but the one on `_id`. */
export function layoutOf(types: readonly RecordType<object>[]): CollectionLayout[] {
  const collections = Object.values(COLLECTIONS).map((name) => {
    const inside = types.filter((type) => collectionOf(type) === name);
    return { name, indexes: [EXPIRY_INDEX, ...inside.flatMap(indexesOf)] };
  });
  return [...collections, { name: CLAIMS, indexes: [EXPIRY_INDEX] }];
}

export function collectionOf(type: Pick<RecordType<object>, 'lifetime'>): string {
  return COLLECTIONS[type.lifetime];
}

/** The indexes that lists of the type are read by. */
export function indexesOf(type: RecordType<object>): NamedIndex[] {
  return Object.entries(type.indexes).map(([index, { field, orderBy }]) => ({
    name: indexName(type, index),
    key: {
      [documentPath([field])]: 1,
      ...(orderBy !== undefined && { [documentPath([orderBy])]: 1 }),
      i: 1,
    },
    partialFilterExpression: { k: type.name, [documentPath([field])]: { $exists: true } },
  }));
}

export function indexName(type: RecordType<object>, index: string): string {
  assert(Object.hasOwn(type.indexes, index), `"${index}" is no index of ${type.name}`);
  return `${type.name}.${index}`;
}
