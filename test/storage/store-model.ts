// The store contract in its plainest form, for the engine to be compared with: a map of records, and a commit
// that judges every write against it before it changes any. Objects have no prototype, so that every key is
// plain data without further care.
import type { Condition, FailedPrecondition, FieldChange, Write } from '../../src/storage/store.ts';

type Tree = { [key: string]: unknown };

export class StoreModel {
  readonly records = new Map<string, Tree>();
  readonly #unique: readonly string[];
  readonly #expiresAt: string;

  constructor(facts: { unique: readonly string[]; expiresAt: string }) {
    this.#unique = facts.unique;
    this.#expiresAt = facts.expiresAt;
  }

  /** The records that live at this time, by id. */
  living(now: number): [id: string, body: Tree][] {
    return [...this.records]
      .filter(([, body]) => this.#lives(body, now))
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** What a commit answers; `broken` where a change leads through a value that is no object. */
  commit(writes: readonly Write[], now: number): { failed: FailedPrecondition } | 'committed' | 'broken' {
    const after = new Map<string, Tree | undefined>();
    const taken = new Set<string>();

    for (const [index, write] of writes.entries()) {
      const stored = this.records.get(write.id);
      const live = stored && this.#lives(stored, now) ? stored : undefined;

      const failed = failure(write, live);
      if (failed) return { failed: { index, ...failed } };
      const body = bodyAfter(write, live);
      if (body === 'broken') return 'broken';
      if (body === 'unchanged') continue;

      for (const field of body ? this.#unique : []) {
        const value = body?.[field];
        if (typeof value !== 'string') continue;
        const others = this.living(now).filter(([id]) => id !== write.id);
        if (taken.has(`${field}=${value}`) || others.some(([, other]) => other[field] === value)) {
          return { failed: { index, cause: 'not_unique' } };
        }
        taken.add(`${field}=${value}`);
      }
      after.set(write.id, body);
    }

    for (const [id, body] of after) body ? this.records.set(id, body) : this.records.delete(id);
    return 'committed';
  }

  #lives(body: Tree, now: number): boolean {
    const until = body[this.#expiresAt];
    return typeof until !== 'number' || until > now;
  }
}

function failure(write: Write, live: Tree | undefined): Omit<FailedPrecondition, 'index'> | undefined {
  if (write.kind === 'insert') return live && { cause: 'exists' };
  if (write.kind === 'put') return undefined;
  if (live === undefined) {
    return write.kind === 'remove' && write.when.length === 0 ? undefined : { cause: 'missing' };
  }
  const condition = write.when.find((each) => !holds(each, read(live, each.path)));
  return condition && { cause: 'condition', condition };
}

function bodyAfter(write: Write, live: Tree | undefined): Tree | undefined | 'broken' | 'unchanged' {
  if (write.kind === 'check') return 'unchanged';
  if (write.kind === 'remove') return undefined;
  if (write.kind !== 'patch') return bare(write.body) as Tree;

  const body = bare(live) as Tree;
  return write.set.every((change) => apply(body, change)) ? body : 'broken';
}

function holds(condition: Condition, value: unknown): boolean {
  if ('is' in condition) return value === condition.is;
  if ('absent' in condition) return value === undefined;
  if ('present' in condition) return value !== undefined;
  if (typeof value !== 'number') return false;
  return 'above' in condition ? value > condition.above : value <= condition.atMost;
}

function read(body: Tree, path: readonly string[]): unknown {
  let value: unknown = body;
  for (const key of path) value = isTree(value) ? value[key] : undefined;
  return value;
}

function apply(body: Tree, [path, value]: FieldChange): boolean {
  let parent = body;
  for (const key of path.slice(0, -1)) {
    if (parent[key] === undefined && value === undefined) return true;
    const child = parent[key] ?? (key in parent ? null : bare({}));
    if (!isTree(child)) return value === undefined;
    parent[key] = child;
    parent = child;
  }
  const field = path.at(-1) ?? '';
  if (value === undefined) delete parent[field];
  else parent[field] = bare(value);
  return true;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A deep copy whose objects have no prototype. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (!isTree(value)) return value;
  const copy: Tree = Object.create(null);
  for (const [key, each] of Object.entries(value)) if (each !== undefined) copy[key] = bare(each);
  return copy;
}
