import { describe, expect, it } from 'vitest';
import type { DeviceSession } from '../../src/sessions/device-session.ts';
import { forgiveIdleness } from '../../src/sessions/forgotten-time.ts';
import { sessionWith } from './session-fixtures.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 0, 1);
const platforms = { web: { class: 'browser', idle: 10 * HOUR, absolute: 100 * HOUR } as never };

/** Active at the start; idle ten hours later. */
function session(more: Partial<DeviceSession> = {}): DeviceSession {
  const made = sessionWith(['web'], { now: START });
  return { ...made, idleUntil: START + 10 * HOUR, absoluteUntil: START + 100 * HOUR, ...more };
}

/** The new idle limit and the time that the sweeper goes by, in hours after the start. */
function moved(given: DeviceSession, from: number, until: number): number[] | undefined {
  const forgotten = { from: START + from * HOUR, until: START + until * HOUR };
  const [write] = forgiveIdleness(given, forgotten, platforms);
  if (write?.kind !== 'patch') return undefined;
  return write.set.map(([, value]) => (Number(value) - START) / HOUR);
}

describe('forgiveIdleness', () => {
  it.each([
    ['by the time that was forgotten', session(), 4, 24, [30, 30]],
    ['no further than activity now would', session({ idleUntil: START + 30 * HOUR }), 4, 24, [34, 34]],
    ['not beyond the absolute limit', session({ absoluteUntil: START + 27 * HOUR }), 4, 24, [27, 27]],
    ['not where it had run idle by then', session(), 10, 24, undefined],
    ['not where nothing was forgotten', session(), 4, 4, undefined],
    ['not where the clock went back', session(), 4, 3, undefined],
    ['not where the session has ended', session({ state: 'ended' }), 4, 24, undefined],
  ])('moves the idle limit on, %s', (_case, given, from, until, expected) => {
    expect(moved(given, from, until)).toEqual(expected);
  });

  it('leaves a session without such a limit alone', () => {
    const { idleUntil: _none, ...endless } = session();
    expect(moved(endless, 4, 24)).toBeUndefined();
  });

  it('depends on the limit that it read', () => {
    const given = session();
    const [write] = forgiveIdleness(given, { from: START, until: START + HOUR }, platforms);
    expect(write).toMatchObject({
      id: given.id,
      when: [
        { path: ['state'], is: 'live' },
        { path: ['idleUntil'], is: given.idleUntil },
      ],
    });
  });
});
