// Cursors: the place in the order of a list after which the next page begins. Opaque to callers, and read with
// care, since they come back from outside.
import { DomainError } from '../core/errors.ts';

/** The order value, where the list has one, and the key of the last record of a page. */
type Cursor = readonly [order: number, key: string] | readonly [key: string];

/** `place` is the order value, an infinity where the record has none; it is absent where the list has none. */
export function cursorText({ place, key }: { place?: number; key: string }): string {
  // An infinity is no JSON number, so that all travel as text.
  const parts = place === undefined ? [key] : [String(place), key];
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

export function readCursor(text: string, ordered: boolean): Cursor {
  const [order, key, ...rest] = ordered ? parsed(text) : [undefined, ...parsed(text)];
  if (typeof key !== 'string' || rest.length > 0) throw unreadable();
  if (!ordered) return [key];

  const place = typeof order === 'string' ? Number(order) : Number.NaN;
  if (Number.isNaN(place)) throw unreadable();
  return [place, key];
}

function parsed(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch (cause) {
    throw unreadable(cause);
  }
}

function unreadable(cause?: unknown): DomainError {
  return new DomainError('invalid_request', { detail: 'the cursor is none of this list', cause });
}
