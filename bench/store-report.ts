// The figures of the store as tables for people.
import type { Spread } from './statistics.ts';
import type { LoopFigures } from './store-loop.ts';
import type { StoreFigures } from './store-measure.ts';
import type { CommandCounts } from './store-mongo.ts';
import type { SizeFigures } from './store-size.ts';

export function operationsTable(results: readonly StoreFigures[]): string {
  const stores = results[0]?.stores.map(({ records }) => records) ?? [];
  const isCompared = stores.length > 1;
  const rows = results.map(({ operation, inFlight, stores: measured, growth }) => [
    operation,
    String(inFlight),
    ...measured.flatMap(({ figures: { p50, p99, cpu, rate } }) => [
      withRange(p50),
      p99.median.toFixed(2),
      withRange(cpu),
      rate.median.toFixed(0),
    ]),
    ...(growth ? [withRange(growth.p50, 2), withRange(growth.cpu, 2)] : []),
  ]);
  const titles = stores.flatMap((records) => {
    const at = isCompared ? ` at ${powerOfTen(records)}` : '';
    return [`p50 ms${at}`, 'p99 ms', 'CPU ms', 'per s'];
  });
  return aligned([
    ['operation', 'in flight', ...titles, ...(isCompared ? ['p50 grows', 'CPU grows'] : [])],
    ...rows,
  ]);
}

export function loopTable(figures: readonly LoopFigures[]): string {
  return aligned([
    ['commits/s', 'loop late by p50 ms', 'p99', 'p99.9', 'max', 'commit p50 ms', 'p99', 'max'],
    ...figures.map(({ commitsPerSecond, delay, latency }) => [
      commitsPerSecond === 0 ? 'none' : String(commitsPerSecond),
      ...[delay.p50, delay.p99, delay.p999, delay.max].map(twoDigits),
      ...[latency?.p50, latency?.p99, latency?.max].map(twoDigits),
    ]),
  ]);
}

export function sizeTable({ records, fileBytes, sessions, perSession }: SizeFigures): string {
  const parts = perSession.parts.map(({ name, bytes, used }) => [name, bytes.toFixed(0), used.toFixed(0)]);
  const table = aligned([
    ['bytes per session', 'on disk', 'filled'],
    ...parts,
    [
      'in all',
      perSession.all.toFixed(0),
      perSession.parts.reduce((sum, { used }) => sum + used, 0).toFixed(0),
    ],
  ]);
  const file = `${records} records, ${sessions} of them sessions: ${(fileBytes / 1e6).toFixed(1)} MB`;
  return `${file}; JSON of a session: ${perSession.body.toFixed(0)} bytes\n${table}`;
}

export function commandsTable(counts: readonly CommandCounts[]): string {
  const told = (commands: CommandCounts['commands']) =>
    Object.entries(commands).map(([name, count]) => `${name} ${Number(count.toFixed(2))}`);
  return aligned([
    ['operation', 'commands per call'],
    ...counts.map(({ operation, commands }) => [operation, told(commands).join(', ')]),
  ]);
}

export const storeLegend = `p50, p99: milliseconds from call to answer, as the caller sees them; CPU: of the whole process with its writer thread, per call.
Medians of slices, with quartiles in brackets. "grows": the large store over the small one, measured in turns.
Writes are answered when they are on the disk (synchronous=FULL). A loop is late by what a timer of 1 ms overslept.`;

function withRange({ median, low, high }: Spread, digits = 3): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}-${high.toFixed(digits)})`;
}

function twoDigits(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(2);
}

function powerOfTen(records: number): string {
  const exponent = Math.log10(records);
  return Number.isInteger(exponent) ? `10^${exponent}` : String(records);
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const cell = (text: string, at: number) =>
    at === 0 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0);
  return rows.map((row) => row.map(cell).join('  ')).join('\n');
}
