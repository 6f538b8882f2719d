// The time of the primary, kept in this process: all processes on one database go by it, so that they agree on
// what has expired even if their own clocks are minutes apart. What MongoDB answers is as old as its way back,
// which is taken to be half of the round trip; the quickest of a few round trips errs least.
import assert from 'node:assert/strict';
import { type Clock, MEASURE_EVERY_MS, type SteeredClock, steeredClock } from '../../core/clock.ts';

export interface ServerClock extends Clock {
  /** Ends the measuring; the clock goes on. */
  stop(): void;
}

/** Milliseconds since the epoch, as the server sees it. */
export type AskServer = () => Promise<number>;

const ROUND_TRIPS = 5;
/**
 * What took longer errs by too much: most of it may have been the way back, or a server that was out of breath. The
 * machine's own timer keeps better time until the next measurement.
 */
const ROUND_TRIP_MAX_MS = 1_000;

/** Rejects where the server does not answer: without its time nothing can be judged. */
export async function serverClock(ask: AskServer): Promise<ServerClock> {
  const clock = steeredClock(timeBy(await measure(ask)));
  const timer = keepMeasuring(clock, ask);
  return { now: clock.now, stop: () => clearInterval(timer) };
}

function keepMeasuring(clock: SteeredClock, ask: AskServer): NodeJS.Timeout {
  let isMeasuring = false;
  const timer = setInterval(() => {
    // A server that takes longer than that to answer is asked again when it has.
    if (isMeasuring) return;
    isMeasuring = true;
    measure(ask)
      .then((measurement) => {
        if (measurement.roundTripMs <= ROUND_TRIP_MAX_MS) clock.steer(timeBy(measurement));
      })
      .catch(() => undefined)
      .finally(() => {
        isMeasuring = false;
      });
  }, MEASURE_EVERY_MS);
  return timer.unref();
}

/** The quickest of some. */
async function measure(ask: AskServer): Promise<Measurement> {
  let best: Measurement = { offset: 0, roundTripMs: Number.POSITIVE_INFINITY };
  for (let n = 0; n < ROUND_TRIPS; n += 1) {
    const measurement = await roundTrip(ask);
    if (measurement.roundTripMs < best.roundTripMs) best = measurement;
  }
  return best;
}

/** What the server says this very moment. */
function timeBy({ offset }: Measurement): number {
  return performance.now() + offset;
}

interface Measurement {
  /** From this machine's monotonic timer to the server's time. */
  readonly offset: number;
  readonly roundTripMs: number;
}

async function roundTrip(ask: AskServer): Promise<Measurement> {
  const sentAt = performance.now();
  const serverTime = await ask();
  const roundTripMs = performance.now() - sentAt;
  assert(Number.isFinite(serverTime), 'the server tells its time');
  return { offset: serverTime - (sentAt + roundTripMs / 2), roundTripMs };
}
