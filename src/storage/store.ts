// The store contract. Everything the product promises about exactly-once rests on `commit`: each write
// carries its precondition, all writes of one commit are applied or none, and the answer says which
// precondition failed. The same suite holds every driver to it (test/storage/contract.ts).
//
// Guarantees:
// - a commit that was answered survives kill -9 and power loss; one that was not may or may not be there
// - preconditions are judged at the moment of the commit, across all callers and processes
// - a read sees every commit that was answered before it began
// - a record past its expiry does not exist, whether or not it was swept yet
import type { Path, RecordType } from './record-type.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type Condition =
  | { readonly path: Path; readonly is: null | boolean | number | string }
  | { readonly path: Path; readonly absent: true }
  | { readonly path: Path; readonly present: true }
  /** Numeric and strictly greater; false where the field is absent or no number. */
  | { readonly path: Path; readonly above: number }
  /** Numeric and not greater; false where the field is absent or no number. */
  | { readonly path: Path; readonly atMost: number };

/** A field and its new value; parents that are missing are made, `undefined` removes the field. */
export type FieldChange = readonly [path: Path, value: unknown];

// biome-ignore lint/suspicious/noExplicitAny: a list of writes mixes record types; each builder checks its own.
type AnyType = RecordType<any>;

export type Write =
  /**
   * Precondition: no live record has this id, nor one of its unique values. The latter holds for every write
   * that gives a record a unique value: `put` and `patch` too answer `not_unique`. A value that another write
   * of the same commit frees is not free before the commit is done.
   */
  | { readonly kind: 'insert'; readonly type: AnyType; readonly id: string; readonly body: object }
  /** No precondition of its own: replaces the record or makes it. Only for records that nothing races for. */
  | { readonly kind: 'put'; readonly type: AnyType; readonly id: string; readonly body: object }
  /** Preconditions: the record is live and every condition in `when` holds. */
  | {
      readonly kind: 'patch';
      readonly type: AnyType;
      readonly id: string;
      readonly when: readonly Condition[];
      readonly set: readonly FieldChange[];
    }
  /** Preconditions as for `patch`. Without conditions an absent record is no failure. */
  | {
      readonly kind: 'remove';
      readonly type: AnyType;
      readonly id: string;
      readonly when: readonly Condition[];
    }
  /** Changes nothing; preconditions as for `patch`. Lets a commit depend on a record that it leaves alone. */
  | {
      readonly kind: 'check';
      readonly type: AnyType;
      readonly id: string;
      readonly when: readonly Condition[];
    };

export type CommitOutcome =
  | { readonly committed: true }
  | { readonly committed: false; readonly failed: FailedPrecondition };

export interface FailedPrecondition {
  /** Position in the list of writes. */
  readonly index: number;
  /** `exists`: insert found a live record; `not_unique`: another has the value; `missing`: no live record. */
  readonly cause: 'exists' | 'not_unique' | 'missing' | 'condition';
  /** The condition that did not hold, where the cause is `condition`. */
  readonly condition?: Condition;
}

export interface Page<Body> {
  readonly records: readonly Body[];
  /** Hand it to the next call to go on; absent at the end. */
  readonly next?: string;
}

export interface ListOptions {
  /** 1 to 1,000 records. */
  readonly limit: number;
  readonly after?: string;
  /** Descending order. */
  readonly newestFirst?: boolean;
}

export interface Store {
  get<Body extends object>(type: RecordType<Body>, id: string): Promise<Body | undefined>;

  /** The record whose unique field has this value. */
  find<Body extends object>(
    type: RecordType<Body>,
    field: keyof Body & string,
    value: string,
  ): Promise<Body | undefined>;

  /** The records whose indexed field has this value, in the order that the index declares. */
  list<Body extends object>(
    type: RecordType<Body>,
    index: string,
    value: string,
    options: ListOptions,
  ): Promise<Page<Body>>;

  /** All records, by id. For commands and copies, never on a request's path. */
  scan<Body extends object>(type: RecordType<Body>, options: ListOptions): Promise<Page<Body>>;

  /**
   * Applies all writes or none. At most one write per record and 500 writes in a commit.
   * Throws `DomainError` with `overloaded` when the queue is full and `store_unavailable` when the outcome
   * could not be had; after the latter the writes may or may not have been applied.
   */
  commit(writes: readonly Write[]): Promise<CommitOutcome>;

  /** Removes up to `limit` expired records; returns how many. */
  sweep(limit: number): Promise<number>;

  close(): Promise<void>;
}

export function insert<Body extends object>(type: RecordType<Body>, id: string, body: NoInfer<Body>): Write {
  return { kind: 'insert', type, id, body };
}

export function put<Body extends object>(type: RecordType<Body>, id: string, body: NoInfer<Body>): Write {
  return { kind: 'put', type, id, body };
}

export function patch(
  type: AnyType,
  id: string,
  change: { when?: readonly Condition[]; set: readonly FieldChange[] },
): Write {
  return { kind: 'patch', type, id, when: change.when ?? [], set: change.set };
}

export function remove(type: AnyType, id: string, when: readonly Condition[] = []): Write {
  return { kind: 'remove', type, id, when };
}

export function check(type: AnyType, id: string, when: readonly Condition[] = []): Write {
  return { kind: 'check', type, id, when };
}
