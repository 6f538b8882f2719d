// How often things happen on plausible networks. The figures of docs/refresh.md come from
// REFRESH_DEVICES=120000 npx vitest run test/sessions/refresh-chain.fleet --disable-console-intercept
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../support/seeded-random.ts';
import { type Fate, type Fleet, liveThrough, type Network } from './refresh-fleet.ts';

const devices = Number(process.env.REFRESH_DEVICES ?? 1_000);
const interval = 15 * 60_000;
const bad: Network = { losesRequests: 0.25, losesAnswers: 0.2, doubles: 0.1, delayMs: 38_000 };
const good: Network = { losesRequests: 0.02, losesAnswers: 0.02, doubles: 0.01, delayMs: 2_000 };

function run(fleet: Partial<Fleet>, count = devices): Fate[] {
  const random = seededRandom(20_260_301);
  const whole: Fleet = { network: good, wakeUps: 60, intervalMs: interval, windowMs: 120_000, ...fleet };
  return Array.from({ length: count }, () => liveThrough(whole, random));
}

function told(fates: Fate[], what: 'endedAfter' | 'suspectAfter') {
  const values = fates.flatMap((fate) => fate[what] ?? []).sort((a, b) => a - b);
  return { count: values.length, median: values[values.length >> 1] ?? 0, most: values.at(-1) ?? 0 };
}

/** Prints what was measured, where figures were asked for. */
function report(name: string, fates: Fate[]): void {
  if (process.env.REFRESH_DEVICES === undefined) return;
  const refreshes = fates.reduce((sum, fate) => sum + fate.refreshes, 0);
  const ended = told(fates, 'endedAfter');
  const suspect = told(fates, 'suspectAfter');
  console.info(JSON.stringify({ name, devices: fates.length, refreshes, ended, suspect }));
}

describe('a fleet of honest devices (I4)', () => {
  it('loses none of them on a network that loses and delays nearly half', { timeout: 3_600_000 }, () => {
    const fates = run({ network: bad });
    report('honest, bad network', fates);

    expect(told(fates, 'endedAfter').count).toBe(0);
    expect(fates.every(({ refreshes }) => refreshes > 20)).toBe(true);
  });

  it('reports hardly any of them on an ordinary network', { timeout: 3_600_000 }, () => {
    const fates = run({ network: good });
    report('honest, good network', fates);

    expect(told(fates, 'endedAfter').count).toBe(0);
    expect(told(fates, 'suspectAfter').count).toBeLessThan(1 + devices / 1_000);
  });
});

describe('a thief with a copy of an unbound token (I5)', () => {
  const thieves = Math.ceil(devices / 8);

  it.each([
    ['a third of', interval / 3],
    ['just', interval],
    ['three times', interval * 3],
  ])(
    'is caught when the copy is used at %s the pace of the owner',
    (name, pace) => {
      const fates = run({ thief: { pace }, wakeUps: 200 }, thieves);
      report(`thief at ${name} the owner's pace`, fates);

      expect(told(fates, 'endedAfter').count).toBe(thieves);
      expect(told(fates, 'endedAfter').median).toBeLessThan(6);
    },
    3_600_000,
  );

  it('is reported within six refreshes when following each step of the owner', { timeout: 3_600_000 }, () => {
    const quiet: Network = { losesRequests: 0, losesAnswers: 0, doubles: 0, delayMs: 500 };
    const fates = run({ network: quiet, thief: { pace: 'in step' } }, thieves);
    report('thief in step', fates);

    expect(fates.every((fate) => fate.suspectAfter !== undefined || fate.endedAfter !== undefined)).toBe(
      true,
    );
    expect(told(fates, 'suspectAfter').most).toBeLessThanOrEqual(6);
  });
});
