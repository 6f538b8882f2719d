// Power loss, simulated: of what the driver has written only what it has synced is sure to be there, and any
// part of the rest may be. STRATA_POWER_LOSS_CUTS and STRATA_POWER_LOSS_SEED choose how often, and other moments.
import { beforeAll, describe, expect, it } from 'vitest';
import { type Aftermath, cutPower, type Recording, record, requireStrace } from '../support/power-loss.ts';
import { seededRandom } from '../support/seeded-random.ts';

const { STRATA_POWER_LOSS_CUTS = '30', STRATA_POWER_LOSS_SEED = '1' } = process.env;
const cutsInAll = Number(STRATA_POWER_LOSS_CUTS);
const seed = Number(STRATA_POWER_LOSS_SEED);

const SOUND = '[{"integrity_check":"ok"}]';
const RECORDINGS = 3;
const SIGN_INS = 1500;
/** Of what was never synced: nothing is there, some, most, and all, as when only the process is killed. */
const SHARES = [0, 0.3, 0.8, 1];

beforeAll(requireStrace);

describe('a machine that loses its power', () => {
  it('has every commit that was answered, none by half, and no code works twice (I2, I8)', async () => {
    const aftermaths: Aftermath[] = [];
    for (let number = 0; number < RECORDINGS; number += 1) {
      const recording = await record({ signIns: SIGN_INS, seed: seed + number });
      const cuts = cutsOf(recording, { count: cutsInAll / RECORDINGS, seed: seed + number });
      aftermaths.push(...(await lookAt(recording, cuts)));
    }

    tell('FULL', aftermaths);
    for (const { lost, redeemedAgain, halves, integrity } of aftermaths) {
      expect({ lost, redeemedAgain, halves }).toEqual({ lost: [], redeemedAgain: 0, halves: [] });
      expect(integrity).toBe(SOUND);
    }
    expect(Math.max(...aftermaths.map(({ answered }) => answered))).toBeGreaterThan(SIGN_INS);
  });

  // What shows that the test above can fail.
  it('loses answered commits, and codes work twice, with synchronous = NORMAL', async () => {
    const aftermaths = await withLess('NORMAL');

    expect(total(aftermaths, ({ lost }) => lost.length)).toBeGreaterThan(0);
    expect(total(aftermaths, ({ redeemedAgain }) => redeemedAgain)).toBeGreaterThan(0);
  });

  it('loses nearly everything with synchronous = OFF', async () => {
    const aftermaths = await withLess('OFF');

    const answered = total(aftermaths, (aftermath) => aftermath.answered);
    expect(total(aftermaths, ({ lost }) => lost.length)).toBeGreaterThan(answered / 2);
    expect(new Set(aftermaths.map(({ integrity }) => integrity)).size).toBeGreaterThan(1);
  });
});

async function withLess(synchronous: 'NORMAL' | 'OFF'): Promise<Aftermath[]> {
  const recording = await record({ signIns: SIGN_INS, seed, synchronous });
  const aftermaths = await lookAt(recording, cutsOf(recording, { count: 8, seed }));
  tell(synchronous, aftermaths);
  return aftermaths;
}

/** Every other one right behind an answer, where nothing more may be lost; the rest anywhere. */
function cutsOf({ events }: Recording, { count, seed }: { count: number; seed: number }): number[] {
  const random = seededRandom(seed);
  const answers = [...events.keys()].filter((at) => events[at]?.kind === 'said');
  return Array.from({ length: count }, (_, number) => {
    const among = number % 2 === 0 ? answers : [...events.keys()];
    return among[Math.floor(random() * among.length)] ?? 0;
  });
}

async function lookAt(recording: Recording, cuts: readonly number[]): Promise<Aftermath[]> {
  const random = seededRandom(seed);
  const lucks = SHARES.map((share) => ({ share, random }));
  const aftermaths: Aftermath[] = [];
  for await (const aftermath of cutPower(recording, cuts, lucks)) aftermaths.push(aftermath);
  return aftermaths;
}

function tell(synchronous: string, aftermaths: readonly Aftermath[]): void {
  const answered = total(aftermaths, (aftermath) => aftermath.answered);
  const lost = total(aftermaths, (aftermath) => aftermath.lost.length);
  const again = total(aftermaths, ({ redeemedAgain }) => redeemedAgain);
  const halves = total(aftermaths, (aftermath) => aftermath.halves.length);
  const damaged = total(aftermaths, ({ integrity }) => (integrity === SOUND ? 0 : 1));
  console.log(
    `synchronous = ${synchronous}: ${aftermaths.length} power losses, ${lost} of ${answered} answered commits lost, ` +
      `${again} redeemed codes redeemed again, ${halves} commits there by half, ${damaged} files damaged`,
  );
}

function total(aftermaths: readonly Aftermath[], of: (aftermath: Aftermath) => number): number {
  return aftermaths.reduce((sum, aftermath) => sum + of(aftermath), 0);
}
