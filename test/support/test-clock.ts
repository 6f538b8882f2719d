// The clock of the tests: it stands still until the test moves it, and moves the global Date with it, so that
// the libraries which read the Date agree with the domain. Only Date is faked; timers run as ever.
import { onTestFinished, TestRunner, vi } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';

export interface TestClock extends Clock {
  advance(ms: number): void;
  set(ms: number): void;
  /** Gives the Date back. Happens by itself at the end of the test in which the clock was made. */
  restore(): void;
}

export function testClock(startMs: number = Date.UTC(2026, 0, 1)): TestClock {
  let nowMs = startMs;
  vi.useFakeTimers({ toFake: ['Date'], now: startMs });
  if (TestRunner.getCurrentTest() !== undefined) onTestFinished(restore);

  function set(ms: number): void {
    nowMs = ms;
    vi.setSystemTime(ms);
  }

  function restore(): void {
    vi.useRealTimers();
  }

  return { now: () => nowMs, advance: (ms) => set(nowMs + ms), set, restore };
}
