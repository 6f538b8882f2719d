import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  accessTokenSeconds,
  activityMoves,
  endReasonAt,
  isExpired,
  isIdle,
  refreshAfterSeconds,
  sessionLimits,
  slideIdle,
} from '../../src/sessions/lifetimes.ts';

const minute = 60_000;
const hour = 60 * minute;
const start = 1_700_000_000_000;
const middle = 0.5;

describe('sessionLimits', () => {
  it('counts the idle limit from now and the absolute one from the start', () => {
    const limits = sessionLimits({ idle: hour, absolute: 24 * hour }, { startedAt: start, now: start + 5 });

    expect(limits).toEqual({ idleUntil: start + 5 + hour, absoluteUntil: start + 24 * hour });
  });

  it('leaves out the limits that the platform does not have', () => {
    expect(sessionLimits({}, { startedAt: start, now: start })).toEqual({});
    expect(sessionLimits({ idle: 1 }, { startedAt: start, now: start })).toEqual({ idleUntil: start + 1 });
  });

  it('never lets idleness outlast the absolute limit', () => {
    const limits = sessionLimits({ idle: 2 * hour, absolute: hour }, { startedAt: start, now: start });

    expect(limits).toEqual({ idleUntil: start + hour, absoluteUntil: start + hour });
  });
});

describe('slideIdle', () => {
  it('moves the limit with activity, up to the absolute one', () => {
    const session = { idleUntil: start, absoluteUntil: start + 3 * hour };

    expect(slideIdle({ idle: hour }, start + minute, session)).toBe(start + minute + hour);
    expect(slideIdle({ idle: 4 * hour }, start + minute, session)).toBe(start + 3 * hour);
  });

  it('takes nothing away when activity is written late', () => {
    expect(slideIdle({ idle: hour }, start, { idleUntil: start + 2 * hour })).toBe(start + 2 * hour);
  });

  it('gives no limit where the platform has none any more', () => {
    expect(slideIdle({}, start, { idleUntil: start })).toBeUndefined();
  });
});

describe('activityMoves', () => {
  it('lets the time of last activity move once a minute at most, and never back', () => {
    expect(activityMoves(start, start + minute - 1)).toBe(false);
    expect(activityMoves(start, start + minute)).toBe(true);
    expect(activityMoves(start, start - minute)).toBe(false);
  });
});

describe('endReasonAt', () => {
  it.each([
    ['a moment before the limits', { idleUntil: 11, absoluteUntil: 11 }, undefined],
    ['without limits', {}, undefined],
    ['at the idle limit', { idleUntil: 10, absoluteUntil: 99 }, 'idle'],
    ['at the absolute limit', { idleUntil: 99, absoluteUntil: 10 }, 'expired'],
    ['when both passed, idleness first', { idleUntil: 5, absoluteUntil: 6 }, 'idle'],
    ['when both passed, the absolute limit first', { idleUntil: 6, absoluteUntil: 5 }, 'expired'],
    ['when both pass together', { idleUntil: 10, absoluteUntil: 10 }, 'expired'],
    ['with an absolute limit alone', { absoluteUntil: 10 }, 'expired'],
  ])('%s', (_, session, reason) => {
    expect(endReasonAt(session, 10)).toBe(reason);
    expect(isIdle(session, 10) || isExpired(session, 10)).toBe(reason !== undefined);
  });
});

describe('accessTokenSeconds', () => {
  it.each([
    ['the platform alone', { platform: 600_000 }, 600],
    ['a client that replaces it by more', { platform: 600_000, client: hour }, 3_600],
    ['a client that replaces it by less', { platform: 600_000, client: minute }, 60],
    ['an API that wants less', { platform: 600_000, client: hour, api: minute }, 60],
    ['an API that allows more', { platform: 600_000, api: hour }, 600],
  ])('goes by %s', (_, lifetimes, seconds) => {
    expect(accessTokenSeconds({ ...lifetimes, now: start }, middle)).toBe(seconds);
  });

  it('spreads tokens over ±5 %', () => {
    const of = (random: number) => accessTokenSeconds({ platform: 1_000_000, now: start }, random);

    expect([of(0), of(0.25), of(0.5), of(0.999_999)]).toEqual([950, 975, 1_000, 1_049]);
  });

  it('gives whole seconds from 1 on, and none that ends after the session', () => {
    const arbitrary = fc.record({
      platform: fc.integer({ min: 1, max: 24 * hour }),
      left: fc.integer({ min: 1, max: 48 * hour }),
      now: fc.integer({ min: start, max: start + hour }),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });

    fc.assert(
      fc.property(arbitrary, ({ platform, left, now, random }) => {
        const absoluteUntil = now + left;
        const seconds = accessTokenSeconds({ platform, absoluteUntil, now }, random);
        const exp = Math.floor(now / 1000) + seconds;

        expect(Number.isInteger(seconds) && seconds >= 1).toBe(true);
        expect(seconds * 1000).toBeLessThanOrEqual(Math.max(1_000, platform * 1.05));
        // Only in the last second of a session is there no whole second left to give.
        if (left >= 1_000) expect(exp * 1000).toBeLessThanOrEqual(absoluteUntil);
      }),
      { seed: 20_260_301, numRuns: 1_000 },
    );
  });
});

describe('refreshAfterSeconds', () => {
  it('comes before the end of the token, with time to try again', () => {
    expect([1, 2, 10, 600].map(refreshAfterSeconds)).toEqual([1, 1, 8, 480]);
  });
});
