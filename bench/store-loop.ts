// How long the event loop of a process that commits is held up: an open loop (so many commits a second, however
// long they take) beside the same loop with nothing to do.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { quantile } from './statistics.ts';
import { type Populated, refresh, type Step } from './store-operations.ts';

export interface LoopFigures {
  commitsPerSecond: number;
  /** Milliseconds by which the loop was late. */
  delay: { p50: number; p99: number; p999: number; max: number };
  /** Milliseconds from the moment a commit was due to its answer; absent where there was none. */
  latency?: { p50: number; p99: number; max: number };
}

const RATES = [0, 500, 1000];
/** Of the histogram's own timer, whose period is not a delay. */
const RESOLUTION_MS = 1;
const NS_PER_MS = 1e6;

export async function measureLoop(place: Populated, seconds: number): Promise<LoopFigures[]> {
  const figures: LoopFigures[] = [];
  for (const rate of RATES) {
    const steps = await refresh(place, Math.max(1, rate * seconds));
    figures.push(await openLoop(rate === 0 ? [] : steps, { rate, seconds }));
  }
  return figures;
}

async function openLoop(
  steps: readonly Step[],
  { rate, seconds }: { rate: number; seconds: number },
): Promise<LoopFigures> {
  const latencies: number[] = [];
  const running: Promise<void>[] = [];
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  const start = performance.now();

  async function run(step: Step, due: number): Promise<void> {
    await step();
    latencies.push(performance.now() - due);
  }
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsed = performance.now() - start;
      const due = Math.min(steps.length, Math.floor((elapsed / 1000) * rate));
      for (let next = running.length; next < due; next += 1) {
        const step = steps[next];
        if (step !== undefined) running.push(run(step, start + (next * 1000) / rate));
      }
      if (elapsed < seconds * 1000) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  histogram.disable();
  await Promise.all(running);

  const sorted = latencies.toSorted((one, other) => one - other);
  return {
    commitsPerSecond: rate,
    delay: delaysOf(histogram),
    ...(sorted.length > 0 && {
      latency: { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), max: quantile(sorted, 1) },
    }),
  };
}

function delaysOf(histogram: ReturnType<typeof monitorEventLoopDelay>): LoopFigures['delay'] {
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / NS_PER_MS - RESOLUTION_MS);
  return {
    p50: late(histogram.percentile(50)),
    p99: late(histogram.percentile(99)),
    p999: late(histogram.percentile(99.9)),
    max: late(histogram.max),
  };
}
