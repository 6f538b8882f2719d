// The store contract. Everything the product promises about exactly-once rests on `commit`: each write
// carries its precondition, all writes of one commit are applied or none, and the answer says which
// precondition failed. The same suite holds every driver to it (test/storage/contract.ts).
//
// Guarantees:
// - a commit that was answered survives kill -9 and power loss; one that was not may or may not be there
// - preconditions are judged at the moment of the commit, across all callers and processes
// - a read sees every commit that was answered before it began (on MongoDB a primary that was cut off from the
//   others may for some seconds not know that it is none any more; it can commit nothing then)
// - a record past its expiry does not exist, whether or not it was swept yet
// - all processes on one store go by one time, `clock`
// Not guaranteed: that a wake-up (`notify`) arrives. It shortens a wait and is never the truth.
import type { Clock } from '../core/clock.ts';
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

/** A record with the id that it is stored under. */
export interface Identified<Body> {
  readonly id: string;
  readonly body: Body;
}

export interface Page<Entry> {
  readonly records: readonly Entry[];
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

/**
 * Told the key that another caller named, soon after; `undefined` where wake-ups may have been lost, so that
 * whatever the listener waits for may have happened.
 */
export type WakeUpListener = (key: string | undefined) => void;

export interface Store {
  /** The time that everyone on this store goes by; reads and preconditions judge expiry by it. */
  readonly clock: Clock;

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

  /** All records, in an order of the driver's own. For commands and copies, never on a request's path. */
  scan<Body extends object>(type: RecordType<Body>, options: ListOptions): Promise<Page<Identified<Body>>>;

  /**
   * Applies all writes or none. At most one write per record and 500 writes in a commit.
   * Throws `DomainError` with `overloaded` when the queue is full and `store_unavailable` when the outcome
   * could not be had; after the latter the writes may or may not have been applied.
   */
  commit(writes: readonly Write[]): Promise<CommitOutcome>;

  /** Removes up to `limit` expired records; returns how many. None where the database does it by itself. */
  sweep(limit: number): Promise<number>;

  /**
   * Wakes those who subscribed to the topic, in this process and in the others on this store; say it after
   * the commit. Never throws and waits for nothing.
   */
  notify(topic: string, key: string): void;

  /** Returns what ends the subscription. */
  subscribe(topic: string, listener: WakeUpListener): () => void;

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
