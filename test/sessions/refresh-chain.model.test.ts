// I4 and I5 under an adversary that schedules the network, and the proof that this check can fail: the same
// schedules break the rules when a window, the aliases or the siblings' time is taken away.
// REFRESH_RUNS=60000 REFRESH_SEED=7 npx vitest run test/sessions/refresh-chain.model runs longer.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChainState } from '../../src/sessions/device-session.ts';
import { decideRefresh, openChain, refreshLimits } from '../../src/sessions/refresh-chain.ts';
import { type Course, type DeviceKind, runSchedule, type Step, type World } from './refresh-network.ts';

const W = 120_000;
const seed = Number(process.env.REFRESH_SEED ?? 20_260_301);
const numRuns = Number(process.env.REFRESH_RUNS ?? 400);
const kinds: DeviceKind[] = ['patient', 'eager'];

const pick = fc.nat({ max: 15 });
const wait = fc.oneof(
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 5_000 }) },
  { weight: 6, arbitrary: fc.integer({ min: 5_000, max: 60_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(9_999, 10_000, W - 1, W, W + 1, 3 * W) },
);
const networkStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.constant<Step>({ do: 'wake' }) },
  { weight: 8, arbitrary: pick.map((at): Step => ({ do: 'deliver', pick: at })) },
  { weight: 4, arbitrary: pick.map((at): Step => ({ do: 'double', pick: at })) },
  { weight: 1, arbitrary: pick.map((at): Step => ({ do: 'lose', pick: at })) },
  { weight: 8, arbitrary: wait.map((ms): Step => ({ do: 'wait', ms })) },
);
const restoringStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: networkStep },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ do: 'back up' }, { do: 'restore' }) },
);

function schedules(step: fc.Arbitrary<Step>): fc.Arbitrary<Step[]> {
  return fc.array(step, { minLength: 120, maxLength: 240, size: 'max' });
}

/** Runs schedules until one signs the device out or strands it; returns it, and what was seen. */
function attack(world: World, options: { step?: fc.Arbitrary<Step>; runs?: number } = {}) {
  const seen: Record<string, number> = {};
  let steps = 0;
  const run = fc.check(
    fc.property(schedules(options.step ?? networkStep), (schedule) => {
      const course = runSchedule(world, schedule);
      steps += schedule.length;
      for (const [kind, count] of Object.entries(course.counts)) seen[kind] = (seen[kind] ?? 0) + count;
      return isWell(course);
    }),
    { seed, numRuns: options.runs ?? numRuns, endOnFailure: true },
  );
  return { broke: run.failed, steps, seen };
}

function isWell(course: Course): boolean {
  return !course.signedOut && course.recovered && course.states.every(isBounded);
}

/** I12: a chain does not grow, whatever is shown. */
function isBounded(chain: ChainState): boolean {
  return (
    chain.unproven.length >= 1 &&
    chain.unproven.length <= refreshLimits.siblingsMax &&
    chain.aliases.length <= refreshLimits.aliasesMax &&
    chain.superseded.length <= refreshLimits.supersededMax &&
    chain.superseded.every(({ serials }) => serials.length <= 8) &&
    chain.unproven.at(-1)?.serial === chain.minted &&
    chain.unproven.every(({ serial }) => serial !== chain.proven && !chain.aliases.includes(serial)) &&
    chain.proven < chain.minted
  );
}

describe('decideRefresh under any schedule of the network (I4)', () => {
  it.each(kinds)('keeps an honest %s device signed in', (kind) => {
    const { broke, steps } = attack({ kind, windowMs: W, messageMs: W });

    expect(broke).toBe(false);
    expect(steps).toBeGreaterThan(20_000);
  });

  it.each(kinds)('keeps an honest %s device signed in through restored backups', (kind) => {
    expect(attack({ kind, windowMs: W, messageMs: W }, { step: restoringStep }).broke).toBe(false);
  });

  it('meets every answer but theft on the way', () => {
    const { seen } = attack({ kind: 'eager', windowMs: W, messageMs: W });

    expect(Object.keys(seen).sort()).toEqual(['advance', 'late', 'repeat', 'sibling']);
  });
});

describe('the check of I4', () => {
  const weakened: [string, Partial<World>][] = [
    ['the window is nothing', { windowMs: 0 }],
    ['the window is half the age of a message', { windowMs: W / 2 }],
    ['there are no aliases', { limits: { aliasesMax: 0 } }],
    ['siblings are forgotten after one window', { limits: { siblingWindows: 1 } }],
    ['nothing is ever promoted', { limits: { supersededMax: 0 } }],
  ];

  it.each(weakened)('fails when %s', (_, weakness) => {
    const broken = kinds.map((kind) =>
      attack({ kind, windowMs: W, messageMs: W, ...weakness }, { runs: 4_000 }),
    );

    expect(broken.some(({ broke }) => broke)).toBe(true);
  });

  it('fails for a device that overwrites its newest token with an answer that crossed two refreshes', () => {
    expect(attack({ kind: 'careless', windowMs: W, messageMs: W }, { runs: 4_000 }).broke).toBe(true);
  });
});

describe('decideRefresh on a key-bound chain (I5)', () => {
  it('never ends it, whatever is shown at whatever time', () => {
    const shows = fc.array(fc.tuple(fc.nat({ max: 60 }), wait), {
      minLength: 50,
      maxLength: 200,
      size: 'max',
    });

    fc.assert(
      fc.property(shows, (list) => {
        let chain = openChain(0);
        let now = 0;
        return list.every(([serial, ms]) => {
          now += ms;
          const decision = decideRefresh(chain, { serial: serial + 1 }, { now, windowMs: W, bound: true });
          if ('next' in decision && decision.next) chain = decision.next;
          return decision.kind !== 'theft' && chain.echo === undefined && isBounded(chain);
        });
      }),
      { seed, numRuns: 200 },
    );
  });
});
