// A record's body as a BSON document, so that conditions and changes address its fields by path.
//
// Keys may hold any character, so those that mean something to MongoDB or to its driver are spelt with `%`.
// A list, an object below the depth that paths lead to, and a string that is no well-formed Unicode are opaque:
// one binary value that holds JSON. So a path never leads into a list, as MongoDB's paths otherwise would, and
// a change through one of these fails at the server instead of making something else of it.
import { Binary, type Document } from 'mongodb';
import type { Body } from '../body.ts';
import type { Path } from '../record-type.ts';

/** How many keys a path may have; objects further in are opaque. MongoDB itself nests 100 deep. */
export const PATH_KEYS_MAX = 40;

const OPAQUE = Binary.SUBTYPE_USER_DEFINED;
/** Stands for the empty key; no other key ends in it, as in all others it begins a code. */
const EMPTY_KEY = '%';

/** The document for a body. */
export function encodedBody(body: Body): Document {
  return encodedObject(body, 0);
}

/** The value for a field at this depth, which is the number of keys that lead to it. */
export function encodedValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.isWellFormed() ? value : opaque(value);
  if (typeof value !== 'object' || value === null) return value;
  return Array.isArray(value) || depth >= PATH_KEYS_MAX ? opaque(value) : encodedObject(value, depth);
}

/** The body in a document that was read. */
export function decodedBody(document: Document): Body {
  const fields = Object.entries(document).map(([name, value]) => [decodedKey(name), decodedValue(value)]);
  // What was stored was a body before, and JSON cannot become anything else on the way.
  return Object.fromEntries(fields) as Body;
}

/** Where a field of the body is found in a record's document. */
export function documentPath(path: Path): string {
  return ['b', ...path.map(encodedKey)].join('.');
}

function encodedObject(object: object, depth: number): Document {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [encodedKey(key), encodedValue(value, depth + 1)]),
  );
}

function opaque(value: unknown): Binary {
  return new Binary(Buffer.from(JSON.stringify(value)), OPAQUE);
}

function decodedValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return value instanceof Binary ? JSON.parse(value.toString('utf8')) : decodedBody(value);
}

// The driver looks for `_bsontype` and `toBSON` in what it is given, and JavaScript for `__proto__`, so neither
// an underscore at the beginning nor that name is left as it is.
const SPELT = /[%.$\0\ud800-\udfff]|^_|^toBSON$/u;

function encodedKey(key: string): string {
  if (key === '') return EMPTY_KEY;
  if (!SPELT.test(key)) return key;
  if (key === 'toBSON') return '%74oBSON';
  return key.replace(/[%.$\0\ud800-\udfff]|^_/gu, (character) => {
    const code = character.charCodeAt(0);
    return code > 0xff ? `%u${hex(code, 4)}` : `%${hex(code, 2)}`;
  });
}

function decodedKey(name: string): string {
  if (name === EMPTY_KEY) return '';
  if (!name.includes('%')) return name;
  return name.replace(/%u([0-9A-F]{4})|%([0-9A-F]{2})/g, (_, long, short) =>
    String.fromCharCode(Number.parseInt(long ?? short, 16)),
  );
}

function hex(code: number, digits: number): string {
  return code.toString(16).toUpperCase().padStart(digits, '0');
}
