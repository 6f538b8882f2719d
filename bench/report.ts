// The result as a table for people.
import type { Counts } from './count.ts';
import type { Figures } from './measure.ts';
import type { Spread } from './statistics.ts';

export interface Result extends Figures {
  counts: { strata?: Counts | undefined; bare?: Counts | undefined };
}

const columns: readonly [title: string, cell: (result: Result) => string][] = [
  ['operation', ({ operation }) => operation],
  ['Strata ms', ({ strataMs }) => milliseconds(strataMs)],
  ['bare ms', ({ bareMs }) => (bareMs ? milliseconds(bareMs) : '-')],
  ['ratio', ({ ratio }) => (ratio ? `${ratio.median.toFixed(2)} (${range(ratio)})` : '-')],
  ['slices', ({ slices, requestsPerSlice }) => `${slices} x ${requestsPerSlice}`],
  ['reads', ({ counts }) => pair(counts.strata?.reads, counts.bare?.reads)],
  ['writes', ({ counts }) => pair(counts.strata?.writes.length, counts.bare?.writes.length)],
  ['signatures', ({ counts }) => pair(counts.strata?.signatures, counts.bare?.signatures)],
];

export function table(results: readonly Result[]): string {
  const rows = [
    columns.map(([title]) => title),
    ...results.map((result) => columns.map(([, cell]) => cell(result))),
  ];
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) => row.map((cell, at) => aligned(cell, widths[at] ?? 0, at)).join('  ')).join('\n');
}

export const legend = `ms: CPU per request, median of all slices. ratio: Strata over bare, median (quartiles) of pairs of slices.
reads, writes (records), signatures: per request, Strata/bare; 1/3 means that Strata has 1 and the bare engine 3.`;

function milliseconds({ median }: Spread): string {
  return median.toFixed(3);
}

function range({ low, high }: Spread): string {
  return `${low.toFixed(2)}-${high.toFixed(2)}`;
}

function pair(strata: number | undefined, bare: number | undefined): string {
  return `${strata ?? '-'}/${bare ?? '-'}`;
}

function aligned(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}
