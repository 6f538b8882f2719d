// Bodies are plain JSON whose keys may come from anywhere: `__proto__` and `constructor` are names like any
// other. So only own properties are read, and only defined, never assigned: an assignment to `__proto__`
// would change the prototype instead of the record. Paths lead through objects alone; a list is one value.
import assert from 'node:assert/strict';
import type { Path } from './record-type.ts';
import type { Condition } from './store.ts';

/** A record's body, or an object within it. */
export interface Body {
  [key: string]: Value;
}

type Value = null | boolean | number | string | readonly Value[] | Body;

/** A change as it travels to a driver's engine: the new value is JSON text, absent where the field is removed. */
export type EncodedChange = readonly [path: Path, json?: string];

/** Reads a body; `json` is what `JSON.stringify` made of an object. */
export function bodyOf(json: string): Body {
  return JSON.parse(json) as Body;
}

/** Whether the field at the condition's path is as the condition asks. */
export function holds(condition: Condition, body: Body): boolean {
  const value = valueAt(body, condition.path);

  if ('is' in condition) return value === condition.is;
  if ('absent' in condition) return value === undefined;
  if ('present' in condition) return value !== undefined;
  if ('above' in condition) return typeof value === 'number' && value > condition.above;
  return typeof value === 'number' && value <= condition.atMost;
}

/** The value at a path; undefined where there is none. */
export function valueAt(body: Body, path: Path): Value | undefined {
  let value: Value | undefined = body;
  for (const key of path) {
    if (!isObject(value)) return undefined;
    value = ownValue(value, key);
  }
  return value;
}

/** Sets or removes one field of a body, making the objects on the way that are missing. */
export function applyChange(body: Body, [path, json]: EncodedChange): void {
  const parents = path.slice(0, -1);
  const field = path.at(-1);
  assert(field !== undefined, 'the path of a change names at least one key');

  if (json === undefined) {
    const parent = valueAt(body, parents);
    if (isObject(parent)) delete parent[field];
    return;
  }

  let parent = body;
  for (const key of parents) parent = childObject(parent, key);
  define(parent, field, JSON.parse(json));
}

function childObject(parent: Body, key: string): Body {
  const child = ownValue(parent, key);
  if (isObject(child)) return child;
  assert(child === undefined, `a change leads through "${key}", which holds a value that is no object`);

  const made: Body = {};
  define(parent, key, made);
  return made;
}

function isObject(value: Value | undefined): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function ownValue(object: Body, key: string): Value | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function define(object: Body, key: string, value: Value): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
