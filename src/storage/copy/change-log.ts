// What a driver adds to its store so that it can be copied while it is in use: it notes which records change,
// and can refuse writes for a moment. The records themselves are read from the store.

export interface RecordName {
  /** Name of the record type. */
  readonly type: string;
  readonly id: string;
}

export type Changes =
  | {
      readonly kind: 'changes';
      /** What was inserted, changed or removed; a record may be named several times. */
      readonly names: readonly RecordName[];
      /** Where the next read begins. */
      readonly position: string;
      /** False only if all that was committed before the call is named here or was named earlier. */
      readonly more: boolean;
    }
  /** Changes after the position are not known any more: the copy has to begin again. */
  | { readonly kind: 'lost' };

export interface ChangeLog {
  /** Notes changes from now on, unless it does so already. Resolves to a position that all of them come after. */
  start(): Promise<string>;
  /** At most about `limit` changes after the position. */
  read(after: string, limit: number): Promise<Changes>;
  /** Told everything whose removal is to be named, where a log cannot spell ids by itself. */
  copied?(names: readonly RecordName[]): void;
  /**
   * Refuses writes as `overloaded` for so long, or until `thaw`; reads go on. When it resolves, every commit
   * that was or will be answered as committed is in the log. It ends by itself, should the copier die.
   */
  freeze(ms: number): Promise<void>;
  thaw(): Promise<void>;
  /**
   * Refuses writes for good if nothing was committed after the position; resolves to whether that is so. Only
   * `stop` takes it back.
   */
  seal(position: string): Promise<boolean>;
  /** Writes are taken again and nothing is noted; leaves no trace in the store. */
  stop(): Promise<void>;
  close(): Promise<void>;
}
