// The YAML file as plain values, with the line of each setting for complaints about it.
import { isMap, isNode, isPair, LineCounter, parseDocument } from 'yaml';
import type { Complaint, Key } from './complaints.ts';

export interface SettingsDocument {
  /** Plain values; empty settings (`mail:` with nothing after it) are left out. */
  readonly value: unknown;
  /** Line, counted from 1, of the setting or of the nearest group around it that stands in the file. */
  lineOf(at: readonly Key[]): number | undefined;
}

/** Parses the text; every syntax error is a complaint. */
export function parseSettings(
  text: string,
): SettingsDocument | { readonly complaints: readonly Complaint[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    return {
      complaints: document.errors.map((error) => ({
        path: '',
        message: `is no valid YAML: ${error.message}`,
        line: lines.linePos(error.pos[0]).line,
      })),
    };
  }

  function lineOf(at: readonly Key[]): number | undefined {
    const offset = offsetOf(document.contents, at);
    return offset === undefined ? undefined : lines.linePos(offset).line;
  }

  try {
    return { value: withoutEmpty(document.toJS({ maxAliasCount: 100 })) ?? {}, lineOf };
  } catch (error) {
    // What only shows when references are followed: an alias without an anchor, or far too many of them.
    return { complaints: [{ path: '', message: `is no valid YAML: ${String(error)}` }] };
  }
}

function offsetOf(node: unknown, at: readonly Key[]): number | undefined {
  const [key, ...rest] = at;
  if (key === undefined || !isNode(node)) return undefined;

  if (isMap(node)) {
    const pair = node.items.find((item) => isPair(item) && String(item.key) === String(key));
    const own = isNode(pair?.key) ? pair.key.range?.[0] : undefined;
    return offsetOf(pair?.value, rest) ?? own;
  }
  const item = 'items' in node && Array.isArray(node.items) ? node.items[Number(key)] : undefined;
  return offsetOf(item, rest) ?? (isNode(item) ? item.range?.[0] : undefined);
}

function withoutEmpty(value: unknown): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === undefined) return value;

  const entries = Object.entries(value).map(([key, inner]) => [key, withoutEmpty(inner)] as const);
  return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined));
}
