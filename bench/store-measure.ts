// Measures one operation on one or two stores of different size, slice by slice and each first half of the
// time, so that whatever else the machine does hits both. A slice gives the latencies that its callers saw and
// the CPU time that this process, with all its threads, used for it.
import { quantile, type Spread, spreadOf } from './statistics.ts';
import type { Populated, Step, StoreOperation } from './store-operations.ts';

/** Milliseconds per call. */
export interface SliceFigures {
  p50: number;
  p99: number;
  cpu: number;
  /** Calls per second. */
  rate: number;
}

export type SpreadFigures = Record<keyof SliceFigures, Spread>;

export interface StoreFigures {
  operation: string;
  inFlight: number;
  slices: number;
  callsPerSlice: number;
  /** By store, in their order. */
  stores: { records: number; figures: SpreadFigures }[];
  /** The last store over the first, slice by slice. */
  growth?: Pick<SpreadFigures, 'p50' | 'cpu'>;
}

export interface StoreMeasuring {
  places: readonly Populated[];
  inFlight: number;
  /** Milliseconds for one operation. */
  budgetMs: number;
}

/** Of the time, until the compiler has seen what it needs to see. */
const WARM_UP_SHARE = 0.15;
const SLICES_MIN = 3;
/** Enough to tell the slowest in a hundred. */
const CALLS_ALONE = 200;
const CALLS_TOGETHER = 1024;
const CALLS_OF_MANY = 50;

export async function measureStores(
  operation: StoreOperation,
  { places, inFlight, budgetMs }: StoreMeasuring,
): Promise<StoreFigures> {
  const start = performance.now();
  const calls = operation.alone ? CALLS_OF_MANY : inFlight === 1 ? CALLS_ALONE : CALLS_TOGETHER;
  const rounds: SliceFigures[][] = [];
  for (let round = 0; rounds.length < SLICES_MIN || performance.now() < start + budgetMs; round += 1) {
    const isWarm = round > 0 && performance.now() > start + budgetMs * WARM_UP_SHARE;
    const order = round % 2 === 0 ? [...places.keys()] : [...places.keys()].reverse();
    const figures: SliceFigures[] = [];
    for (const at of order) {
      const steps = await operation.prepare(expectPlace(places[at]), calls);
      figures[at] = await runSlice(steps, inFlight);
    }
    if (isWarm) rounds.push(figures);
  }

  return {
    operation: operation.name,
    inFlight,
    slices: rounds.length,
    callsPerSlice: calls,
    stores: places.map(({ population }, at) => ({
      records: population.records,
      figures: spreadsOf(rounds.flatMap((round) => round[at] ?? [])),
    })),
    ...(places.length > 1 && { growth: growthOf(rounds) }),
  };
}

export async function runSlice(steps: readonly Step[], inFlight: number): Promise<SliceFigures> {
  const latencies: number[] = [];
  let next = 0;
  async function caller(): Promise<void> {
    for (let step = steps[next++]; step !== undefined; step = steps[next++]) {
      const asked = performance.now();
      await step();
      latencies.push(performance.now() - asked);
    }
  }

  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, caller));
  const tookMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpuBefore);

  const sorted = latencies.toSorted((one, other) => one - other);
  return {
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    cpu: (user + system) / 1000 / steps.length,
    rate: (steps.length / tookMs) * 1000,
  };
}

function spreadsOf(slices: readonly SliceFigures[]): SpreadFigures {
  const spread = (of: keyof SliceFigures) => spreadOf(slices.map((slice) => slice[of]));
  return { p50: spread('p50'), p99: spread('p99'), cpu: spread('cpu'), rate: spread('rate') };
}

function growthOf(rounds: readonly SliceFigures[][]): Pick<SpreadFigures, 'p50' | 'cpu'> {
  const ratio = (of: 'p50' | 'cpu') =>
    spreadOf(rounds.map((round) => (round.at(-1)?.[of] ?? Number.NaN) / (round[0]?.[of] ?? Number.NaN)));
  return { p50: ratio('p50'), cpu: ratio('cpu') };
}

function expectPlace(place: Populated | undefined): Populated {
  if (place === undefined) throw new Error('there is no such store');
  return place;
}
