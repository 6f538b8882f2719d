// The only source of time (I14). A clock runs on the machine's monotonic timer plus an offset that is
// measured against a reference (the machine's wall clock, or a database's), so that time never runs
// backwards and processes whose system clocks disagree can still agree with each other.

/** A source of time. Every deadline, lifetime and `iat` of the product comes from one. */
export interface Clock {
  /** Milliseconds since the Unix epoch; never less than an earlier answer. */
  now(): number;
}

/** How fast a backward correction is worked off: 10 ms of correction for each 100 ms that pass. */
const SLEW_RATE = 0.1;
/** How often clocks are measured against their reference. */
export const MEASURE_EVERY_MS = 30_000;

/** Whole seconds since the Unix epoch, as OAuth's claims count them. */
export function nowSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000);
}

/**
 * The offset to use now, on the way from `current` to `measured`: forward corrections apply at once (time
 * may jump ahead, it may not turn back), backward ones are slewed so that the clock only runs slower.
 */
export function correctedOffset(offset: { current: number; measured: number }, elapsedMs: number): number {
  if (offset.measured >= offset.current) return offset.measured;

  return Math.max(offset.measured, offset.current - elapsedMs * SLEW_RATE);
}

/** A clock that is set by measurements of a reference, from wherever they come. */
export interface SteeredClock extends Clock {
  /** `reference` is what the reference says this very moment, in milliseconds since the epoch. */
  steer(reference: number): void;
}

/** `reference` is what the reference says this very moment, in milliseconds since the epoch. */
export function steeredClock(reference: number): SteeredClock {
  let readAt = performance.now();
  let offset = reference - readAt;
  let target = offset;

  function now(): number {
    const monotonic = performance.now();
    offset = correctedOffset({ current: offset, measured: target }, monotonic - readAt);
    readAt = monotonic;
    return Math.floor(monotonic + offset);
  }

  function steer(measured: number): void {
    target = measured - performance.now();
  }

  return { now, steer };
}

/** The machine's clock: monotonic, re-measured against the wall clock every 30 s. */
export function systemClock(): Clock {
  const clock = steeredClock(Date.now());
  let measuredAt = performance.now();

  function now(): number {
    if (performance.now() - measuredAt >= MEASURE_EVERY_MS) {
      clock.steer(Date.now());
      measuredAt = performance.now();
    }
    return clock.now();
  }

  return { now };
}
