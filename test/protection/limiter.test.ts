import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLimiter, decide, giveBackAll, type RateRule, takeAll } from '../../src/protection/limiter.ts';
import { testClock } from '../support/test-clock.ts';

const seed = 20_260_101;
const rule: RateRule = { limit: 10, windowMs: 900_000 };
const rules = fc.record({
  limit: fc.integer({ min: 1, max: 50 }),
  windowMs: fc.integer({ min: 100, max: 3_600_000 }),
});

describe('decide', () => {
  it('never lets more pass in any span than the burst and what the span has earned', () => {
    fc.assert(
      fc.property(rules, fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 200 }), (rule, gaps) => {
        const passed = timesPassed(rule, gaps);
        for (const [first, start] of passed.entries()) {
          for (const [last, end] of passed.entries()) {
            if (last < first) continue;
            const earned = ((end - start) * rule.limit) / rule.windowMs;
            expect(last - first + 1).toBeLessThanOrEqual(rule.limit + earned + 1e-6);
          }
        }
      }),
      { seed, numRuns: 60 },
    );
  });

  it('names the first millisecond at which the next event passes', () => {
    fc.assert(
      fc.property(rules, fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 120 }), (rule, gaps) => {
        let now = 1_000_000;
        let fullAt: number | undefined;
        for (const gap of gaps) {
          now += gap;
          const decision = decide(rule, fullAt, now);
          if (decision.kind === 'allowed') {
            fullAt = decision.fullAt;
            continue;
          }
          expect(decide(rule, fullAt, now + decision.retryAfterMs - 1).kind).toBe('limited');
          expect(decide(rule, fullAt, now + decision.retryAfterMs).kind).toBe('allowed');
        }
      }),
      { seed, numRuns: 200 },
    );
  });

  it('forgets everything after a quiet window', () => {
    fc.assert(
      fc.property(rules, fc.integer({ min: 0, max: 1e9 }), (rule, start) => {
        const spent = spendAll(rule, start);
        expect(burst(rule, spent, start + rule.windowMs)).toBe(rule.limit);
      }),
      { seed },
    );
  });
});

describe('createLimiter', () => {
  it('lets a burst pass, then one event per share of the window', () => {
    const clock = testClock();
    const limiter = createLimiter({ rule, clock });
    for (let n = 0; n < 10; n += 1) expect(limiter.take('a').kind).toBe('allowed');

    expect(limiter.take('a')).toEqual({ kind: 'limited', retryAfterSeconds: 90 });
    clock.advance(90_000);
    expect(limiter.take('a').kind).toBe('allowed');
    expect(limiter.take('a')).toEqual({ kind: 'limited', retryAfterSeconds: 90 });
  });

  it('keeps keys apart', () => {
    const limiter = createLimiter({ rule: { limit: 1, windowMs: 1000 }, clock: testClock() });
    limiter.take('a');

    expect(limiter.take('a').kind).toBe('limited');
    expect(limiter.take('b').kind).toBe('allowed');
  });

  it('gives an event back, and a whole budget', () => {
    const limiter = createLimiter({ rule: { limit: 2, windowMs: 1000 }, clock: testClock() });
    limiter.take('a');
    limiter.take('a');
    limiter.giveBack('a');
    expect(limiter.take('a').kind).toBe('allowed');
    expect(limiter.take('a').kind).toBe('limited');

    limiter.forget('a');
    expect(limiter.take('a').kind).toBe('allowed');
    expect(limiter.take('a').kind).toBe('allowed');
  });

  it('gives nobody more than a whole budget, however often an event is given back', () => {
    const limiter = createLimiter({ rule: { limit: 2, windowMs: 1000 }, clock: testClock() });
    limiter.take('a');
    for (let n = 0; n < 5; n += 1) limiter.giveBack('a');

    expect([limiter.take('a'), limiter.take('a'), limiter.take('a')].map((one) => one.kind)).toEqual([
      'allowed',
      'allowed',
      'limited',
    ]);
  });

  it('takes nothing when it is only asked', () => {
    const limiter = createLimiter({ rule: { limit: 1, windowMs: 1000 }, clock: testClock() });
    limiter.check('a');
    limiter.check('a');

    expect(limiter.take('a').kind).toBe('allowed');
  });

  it('remembers no more keys than it may, and drops the one that was idle the longest (I12)', () => {
    const limiter = createLimiter({ rule: { limit: 1, windowMs: 1000 }, clock: testClock(), keysMax: 2 });
    for (const key of ['a', 'b', 'c']) limiter.take(key);

    expect(limiter.check('a').kind).toBe('allowed');
    expect(limiter.check('b').kind).toBe('limited');
    expect(limiter.check('c').kind).toBe('limited');
  });
});

describe('takeAll', () => {
  it('takes from no budget when one of them is used up, and names the longest wait', () => {
    const clock = testClock();
    const wide = createLimiter({ rule: { limit: 2, windowMs: 1000 }, clock });
    const narrow = createLimiter({ rule: { limit: 1, windowMs: 60_000 }, clock });
    const both = [
      { limiter: wide, key: 'x' },
      { limiter: narrow, key: 'x' },
    ];

    expect(takeAll(both).kind).toBe('allowed');
    expect(takeAll(both)).toEqual({ kind: 'limited', retryAfterSeconds: 60 });
    expect(wide.take('x').kind).toBe('allowed');

    giveBackAll(both);
    expect(takeAll(both).kind).toBe('allowed');
  });
});

function timesPassed(rule: RateRule, gaps: readonly number[]): number[] {
  let now = 0;
  let fullAt: number | undefined;
  const passed: number[] = [];
  for (const gap of gaps) {
    now += gap;
    const decision = decide(rule, fullAt, now);
    if (decision.kind === 'limited') continue;
    fullAt = decision.fullAt;
    passed.push(now);
  }
  return passed;
}

function spendAll(rule: RateRule, now: number): number | undefined {
  let fullAt: number | undefined;
  for (;;) {
    const decision = decide(rule, fullAt, now);
    if (decision.kind === 'limited') return fullAt;
    fullAt = decision.fullAt;
  }
}

function burst(rule: RateRule, state: number | undefined, now: number): number {
  let fullAt = state;
  for (let passed = 0; ; passed += 1) {
    const decision = decide(rule, fullAt, now);
    if (decision.kind === 'limited') return passed;
    fullAt = decision.fullAt;
  }
}
