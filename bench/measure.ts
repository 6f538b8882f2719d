// The measurement: slices of one operation, Strata's and the bare engine's in turn and each first half of the
// time, so that whatever else the machine does hits both. A slice is a fixed number of requests by a fixed
// number of workers; its cost is the CPU time that the server used between its beginning and its end.
import type { MeasuredServer } from './measured-server.ts';
import type { Operation, Worker } from './operations.ts';
import { type Spread, spreadOf } from './statistics.ts';

export interface Figures {
  operation: string;
  slices: number;
  requestsPerSlice: number;
  /** CPU milliseconds per request. */
  strataMs: Spread;
  bareMs?: Spread;
  /** Strata's cost over the bare engine's, pair of slices by pair of slices. */
  ratio?: Spread;
}

export interface Measuring {
  strata: MeasuredServer;
  bare: MeasuredServer;
  workers: number;
  /** Milliseconds for one operation. */
  budgetMs: number;
}

/** Of an operation's time, until the compiler has seen what it needs to see. */
const WARM_UP_SHARE = 0.2;
const SLICES_MIN = 3;

export async function measure(operation: Operation, measuring: Measuring): Promise<Figures> {
  const { workers, budgetMs } = measuring;
  const start = performance.now();
  const servers = operation.strataOnly ? [measuring.strata] : [measuring.strata, measuring.bare];
  const crews = await Promise.all(servers.map((server) => openCrew(operation, server, workers)));
  const pairs: number[][] = [];

  for (let round = 0; pairs.length < SLICES_MIN || performance.now() < start + budgetMs; round += 1) {
    const isWarm = performance.now() > start + budgetMs * WARM_UP_SHARE;
    const pair: number[] = [];
    const order = round % 2 === 0 ? [...crews.keys()] : [...crews.keys()].reverse();
    for (const at of order) pair[at] = await crews[at]!.runSlice();
    if (isWarm) pairs.push(pair);
  }

  const ratios = pairs.flatMap(([strata, bare]) =>
    strata !== undefined && bare !== undefined ? strata / bare : [],
  );
  return {
    operation: operation.name,
    slices: pairs.length,
    requestsPerSlice: operation.slice,
    strataMs: spreadOf(pairs.map(([strata]) => strata ?? Number.NaN)),
    ...(ratios.length > 0 && {
      bareMs: spreadOf(pairs.map(([, bare]) => bare ?? Number.NaN)),
      ratio: spreadOf(ratios),
    }),
  };
}

interface Crew {
  /** Answers CPU milliseconds per request. */
  runSlice(): Promise<number>;
}

async function openCrew(operation: Operation, server: MeasuredServer, size: number): Promise<Crew> {
  const count = Math.min(size, operation.slice);
  const crew = await Promise.all(
    Array.from({ length: count }, (_, number) => operation.open(server.target, number)),
  );
  const steps = operation.slice / count;
  if (!Number.isInteger(steps)) throw new Error(`${operation.name}: a slice must be a multiple of ${count}`);

  return {
    async runSlice() {
      await Promise.all(crew.map((worker) => worker.prepare?.(steps)));
      const before = await server.cpuMs();
      await Promise.all(crew.map((worker) => runSteps(worker, steps)));
      return ((await server.cpuMs()) - before) / operation.slice;
    },
  };
}

async function runSteps(worker: Worker, steps: number): Promise<void> {
  for (let step = 0; step < steps; step += 1) await worker.step();
}
