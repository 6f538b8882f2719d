import { describe, expect, it } from 'vitest';
import { pagesOf, printListing, timeText } from '../../src/cli/listing.ts';
import type { Terminal } from '../../src/cli/terminal.ts';

interface Item {
  name: string;
  note: string;
}

const listing = {
  columns: { NAME: ({ name }: Item) => name, NOTE: ({ note }: Item) => note },
  json: (item: Item) => item,
  none: 'Nothing here.',
};

async function printed(pages: Item[][], json = false): Promise<{ out: string[]; notes: string[] }> {
  const [out, notes]: string[][] = [[], []];
  const terminal: Terminal = {
    print: (line) => void out?.push(line),
    note: (line) => void notes?.push(line),
    canAsk: false,
    choose: async () => {
      throw new Error('nobody is asked');
    },
    askSecrets: async () => [],
    readInput: async () => '',
  };
  const next = async (after = '0') => {
    const page = Number(after);
    return { records: pages[page] ?? [], ...(page + 1 < pages.length && { next: String(page + 1) }) };
  };
  await printListing(terminal, pagesOf(next), { listing, json });
  return { out: out ?? [], notes: notes ?? [] };
}

describe('printListing', () => {
  it('aligns columns by the first page', async () => {
    const { out } = await printed([
      [
        { name: 'Ada', note: 'a' },
        { name: 'Augusta', note: '' },
      ],
      [{ name: 'Lin', note: 'c' }],
    ]);

    expect(out).toEqual(['NAME     NOTE', 'Ada      a', 'Augusta', 'Lin      c']);
  });

  it('writes one JSON array over all pages', async () => {
    const pages = [[{ name: 'Ada', note: 'a' }], [], [{ name: 'Lin', note: 'c' }]];

    expect(JSON.parse((await printed(pages, true)).out.join('\n'))).toEqual(pages.flat());
    expect((await printed([[]], true)).out).toEqual(['[]']);
  });

  it('says that there is nothing where people read it', async () => {
    expect(await printed([[]])).toEqual({ out: [], notes: ['Nothing here.'] });
  });

  it('keeps the escape sequences that others put into names away from the terminal', async () => {
    const { out } = await printed([[{ name: '\u001b[2J\u202eAda', note: 'two\nlines' }]]);

    expect(out.join()).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});

describe('timeText', () => {
  it('writes UTC to the second, and nothing for never', () => {
    expect(timeText(Date.UTC(2026, 0, 2, 3, 4, 5, 678))).toBe('2026-01-02T03:04:05Z');
    expect(timeText(undefined)).toBe('');
  });
});
