import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { correctedOffset, nowSeconds, systemClock } from '../../src/core/clock.ts';

describe('correctedOffset', () => {
  it('applies a forward correction at once', () => {
    expect(correctedOffset({ current: 1_000, measured: 61_000 }, 5)).toBe(61_000);
  });

  it('works a backward correction off by a tenth of the time that passes', () => {
    expect(correctedOffset({ current: 60_000, measured: 0 }, 1_000)).toBe(59_900);
  });

  it('stops at the measured offset', () => {
    expect(correctedOffset({ current: 10, measured: 0 }, 1_000)).toBe(0);
  });

  it('never lets time run backwards, whatever is measured (I14)', () => {
    const step = fc.record({ elapsed: fc.nat(100_000), measured: fc.integer({ min: -1e9, max: 1e9 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        let monotonic = 0;
        let offset = 0;
        for (const { elapsed, measured } of steps) {
          const before = monotonic + offset;
          monotonic += elapsed;
          offset = correctedOffset({ current: offset, measured }, elapsed);
          expect(monotonic + offset).toBeGreaterThanOrEqual(before);
        }
      }),
      { seed: 14, numRuns: 500 },
    );
  });
});

describe('systemClock', () => {
  it('agrees with the machine and never goes back', () => {
    const clock = systemClock();
    const readings = Array.from({ length: 1_000 }, () => clock.now());

    expect(Math.abs((readings[0] ?? 0) - Date.now())).toBeLessThan(1_000);
    expect(readings).toEqual(readings.toSorted((a, b) => a - b));
  });
});

describe('nowSeconds', () => {
  it('counts whole seconds', () => {
    expect(nowSeconds({ now: () => 1_999 })).toBe(1);
  });
});
