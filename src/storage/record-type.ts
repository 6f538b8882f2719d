// How the domain declares what it stores. Drivers derive tables, collections and indexes from these
// declarations and know nothing else of the domain.

/** A place in a record's body: the keys that lead to it. Keys may hold any character. */
export type Path = readonly string[];

export interface IndexDeclaration {
  /** Top-level field whose string value the index is on; records without the field are not in it. */
  readonly field: string;
  /** Top-level numeric field that lists are ordered by, ascending; by id where absent or equal. */
  readonly orderBy?: string;
}

/**
 * How long records of a type are around: `token` minutes to days and used once or twice, `session` as long as
 * somebody is signed in, `lasting` until somebody removes them. Drivers may keep each apart.
 */
export type Lifetime = 'token' | 'session' | 'lasting';

/** One kind of record. `Body` is plain JSON. */
export interface RecordType<Body extends object> {
  /** Name of the table or collection: lower-case letters and `_`. */
  readonly name: string;
  /** `lasting` without an expiry and `token` with one, unless told. */
  readonly lifetime: Lifetime;
  /** Top-level string fields whose value at most one live record may have, by the name of the field. */
  readonly unique: readonly string[];
  readonly indexes: Readonly<Record<string, IndexDeclaration>>;
  /**
   * Top-level numeric field (milliseconds since the epoch) from which on the record no longer exists: reads
   * do not return it, preconditions see it as absent, the sweep removes it. Without a value it stays.
   */
  readonly expiresAt?: string;
  /** Carries the type of the body; never set. */
  readonly body?: Body;
}

export function recordType<Body extends object>(
  name: string,
  options: {
    lifetime?: Lifetime;
    unique?: readonly (keyof Body & string)[];
    indexes?: Readonly<Record<string, { field: keyof Body & string; orderBy?: keyof Body & string }>>;
    expiresAt?: keyof Body & string;
  } = {},
): RecordType<Body> {
  return {
    name,
    lifetime: options.lifetime ?? (options.expiresAt === undefined ? 'lasting' : 'token'),
    unique: options.unique ?? [],
    indexes: options.indexes ?? {},
    ...(options.expiresAt !== undefined && { expiresAt: options.expiresAt }),
  };
}
