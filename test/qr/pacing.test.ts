import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pace } from '../../src/qr/pacing.ts';
import { createPacing, judgePoll } from '../../src/qr/pacing.ts';
import { testClock } from '../support/test-clock.ts';

const INTERVAL = 5_000;
const seeded = { seed: 20261102, numRuns: 200 };

/** Polls after each gap; returns how often the answer was `slow_down`. */
function slowDowns(gaps: readonly number[]): number {
  let now = 0;
  let pace: Pace | undefined;
  let refused = 0;
  for (const gap of [0, ...gaps]) {
    now += gap;
    const judgement = judgePoll(pace, { intervalMs: INTERVAL, now });
    pace = judgement.pace;
    if (!judgement.accepted) refused += 1;
  }
  return refused;
}

describe('judgePoll', () => {
  it('never throttles the first poll', () => {
    expect(judgePoll(undefined, { intervalMs: INTERVAL, now: 0 }).accepted).toBe(true);
  });

  it('never says slow_down to who keeps the interval within 15 % for ten minutes', () => {
    const gap = fc.integer({ min: INTERVAL * 0.85, max: INTERVAL * 1.15 });
    fc.assert(
      fc.property(fc.array(gap, { minLength: 140, maxLength: 140 }), (gaps) => slowDowns(gaps) === 0),
      seeded,
    );
  });

  it('asks for 5 s more at each early poll, and for no more than 30 s', () => {
    let pace: Pace | undefined;
    const intervals = Array.from({ length: 8 }, (_, second) => {
      pace = judgePoll(pace, { intervalMs: INTERVAL, now: second * 1_000 }).pace;
      return pace.intervalMs;
    });

    expect(intervals).toEqual([5_000, 10_000, 15_000, 20_000, 25_000, 30_000, 30_000, 30_000]);
  });

  it('does not shorten an interval that was set longer than 30 s', () => {
    const { pace } = judgePoll({ intervalMs: 60_000, acceptedAt: 0 }, { intervalMs: 60_000, now: 1 });

    expect(pace.intervalMs).toBe(60_000);
  });

  it('does not move the last accepted time at an early poll, so that nobody is throttled for ever', () => {
    const early = judgePoll({ intervalMs: INTERVAL, acceptedAt: 0 }, { intervalMs: INTERVAL, now: 3_000 });
    expect(early.accepted).toBe(false);

    const next = judgePoll(early.pace, { intervalMs: INTERVAL, now: 8_000 });
    expect(next.accepted).toBe(true);
  });

  it('lets a client through that ignores slow_down altogether, at least every 30 s', () => {
    const gaps = Array.from({ length: 600 }, () => 1_000);

    const refused = slowDowns(gaps);

    expect(refused).toBeLessThanOrEqual(600 - Math.floor(600 / 30));
    expect(refused).toBeGreaterThan(500);
  });
});

describe('createPacing', () => {
  it('paces each key by itself', () => {
    const clock = testClock();
    const pacing = createPacing({ clock, intervalMs: INTERVAL, entriesMax: 10 });

    expect(pacing.poll('one')).toEqual({ accepted: true, intervalMs: 5_000 });
    expect(pacing.poll('other')).toEqual({ accepted: true, intervalMs: 5_000 });
    expect(pacing.poll('one')).toEqual({ accepted: false, intervalMs: 10_000 });
    clock.advance(10_000);
    expect(pacing.poll('one')).toEqual({ accepted: true, intervalMs: 10_000 });
  });

  it('remembers no more keys than it may', () => {
    const pacing = createPacing({ clock: testClock(), intervalMs: INTERVAL, entriesMax: 2 });

    for (const key of ['a', 'b', 'c']) pacing.poll(key);

    expect(pacing.poll('a').accepted).toBe(true);
    expect(pacing.poll('c').accepted).toBe(false);
  });
});
