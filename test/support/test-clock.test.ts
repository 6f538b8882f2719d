import { describe, expect, it } from 'vitest';
import { testClock } from './test-clock.ts';

describe('testClock', () => {
  it('stands still until it is moved, and moves the Date with it', () => {
    const clock = testClock();

    clock.advance(1500);

    expect(clock.now()).toBe(Date.UTC(2026, 0, 1) + 1500);
    expect(Date.now()).toBe(clock.now());
  });

  it('gives the Date back at the end of the test', () => {
    expect(Date.now()).toBeGreaterThan(Date.UTC(2020, 0, 1));
    expect(Date.now()).not.toBe(Date.UTC(2026, 0, 1) + 1500);
  });

  it('may be set back, as a wall clock can', () => {
    const clock = testClock(5000);

    clock.set(1000);

    expect([clock.now(), Date.now()]).toEqual([1000, 1000]);
  });
});
