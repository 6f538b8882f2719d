// Lists as commands print them: columns for people, one JSON array for programs. Both are written page by
// page, so that a list of any length needs the memory of one page.
import type { Page } from '../storage/store.ts';
import type { Terminal } from './terminal.ts';

export interface Listing<Item> {
  /** Heading → the cell of an item. */
  readonly columns: Readonly<Record<string, (item: Item) => string>>;
  /** The item as a program reads it. */
  readonly json: (item: Item) => object;
  /** What is said where there is none. */
  readonly none: string;
}

export async function printListing<Item>(
  terminal: Terminal,
  pages: AsyncIterable<readonly Item[]>,
  options: { listing: Listing<Item>; json?: boolean | undefined },
): Promise<void> {
  const { listing, json } = options;
  await (json ? printJson(terminal, pages, listing) : printTable(terminal, pages, listing));
}

/** All pages of a list of the store, one after the other. */
export async function* pagesOf<Item>(
  next: (after?: string) => Promise<Page<Item>>,
): AsyncGenerator<readonly Item[]> {
  let after: string | undefined;
  do {
    const page = await next(after);
    yield page.records;
    after = page.next;
  } while (after !== undefined);
}

/** Milliseconds since the epoch as a date and a time in UTC that both fit into a column. */
export function timeText(ms: number | undefined): string {
  return ms === undefined ? '' : new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

async function printJson<Item>(
  terminal: Terminal,
  pages: AsyncIterable<readonly Item[]>,
  listing: Listing<Item>,
): Promise<void> {
  let before = '[';
  for await (const page of pages) {
    for (const item of page) {
      terminal.print(`${before}${JSON.stringify(listing.json(item))}`);
      before = ',';
    }
  }
  terminal.print(before === '[' ? '[]' : ']');
}

async function printTable<Item>(
  terminal: Terminal,
  pages: AsyncIterable<readonly Item[]>,
  { columns, none }: Listing<Item>,
): Promise<void> {
  const headings = Object.keys(columns);
  let widths: number[] | undefined;
  for await (const page of pages) {
    const rows = page.map((item) => Object.values(columns).map((cell) => printable(cell(item))));
    if (rows.length === 0) continue;
    if (!widths) {
      // The first page decides for those that follow.
      widths = headings.map((heading, column) =>
        Math.max(...[heading, ...rows.map((row) => row[column] ?? '')].map(({ length }) => length)),
      );
      terminal.print(lineOf(headings, widths));
    }
    for (const row of rows) terminal.print(lineOf(row, widths));
  }
  if (!widths) terminal.note(none);
}

function lineOf(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, column) => cell.padEnd(widths[column] ?? 0))
    .join('  ')
    .trimEnd();
}

/** Names are other people's text: one that holds an escape sequence must not reach the operator's terminal. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}
