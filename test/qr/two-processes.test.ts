// Two stores on one file, as two processes have them: every arrow still has one winner (I2).
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { approveTransaction } from '../../src/qr/approving.ts';
import { scanTransaction } from '../../src/qr/scanning.ts';
import type { Desk } from './qr-desk.ts';
import {
  closeDesk,
  look,
  newGrantor,
  newKeys,
  openDesk,
  openPc,
  readScreen,
  redeem,
  scanOf,
} from './qr-desk.ts';

const ROUNDS = 5;
const CALLERS = 20;

let dataDir: string;
let one: Desk;
let other: Desk;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'strata-qr-'));
  one = await openDesk({ dataDir });
  other = await openDesk({ dataDir, clock: one.clock, keys: one.keys });
});
afterEach(async () => {
  await Promise.all([closeDesk(one), closeDesk(other)]);
  await rm(dataDir, { recursive: true });
});

/** What the callers hear, half of them at each process. */
function inParallel<Outcome>(call: (desk: Desk, index: number) => Promise<Outcome>): Promise<Outcome[]> {
  return Promise.all(
    Array.from({ length: CALLERS }, (_, index) => call(index % 2 === 0 ? one : other, index)),
  );
}

describe('two processes on one store', () => {
  it('have one winner of each arrow, and the losers leave it alone', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const pc = await openPc(one);
      const code = await readScreen(other, pc);
      const grantors = Array.from({ length: CALLERS }, () => newGrantor());

      const scans = await inParallel((desk, index) =>
        scanTransaction(desk, scanOf(pc, code, grantors[index] ?? newGrantor())),
      );
      const first = scans.findIndex(({ kind }) => kind === 'scanned');
      const winner = scans[first];
      const grantor = grantors[first];
      expect(scans.filter(({ kind }) => kind === 'scanned')).toHaveLength(1);
      if (winner?.kind !== 'scanned' || winner.role !== 'grantor' || !grantor)
        throw new Error('nobody scanned');

      const number = (await look(other, pc)).matchNumber ?? '';
      const claim = { kind: 'handshake', handshake: winner.handshake } as const;
      const approvals = await inParallel((desk) => approveTransaction(desk, { claim, grantor, number }));
      expect(approvals.filter(({ kind }) => kind === 'approved')).toHaveLength(1);

      const redemptions = await inParallel((desk) => redeem(desk, pc));
      const won = redemptions.flatMap((redemption) => ('won' in redemption ? [redemption.won] : []));
      expect(won).toHaveLength(1);
      for (const redemption of redemptions) {
        if (!('won' in redemption)) {
          expect(redemption).toMatchObject({ kind: 'repeat', redeemed: { sessionId: won[0] } });
        }
      }
      expect(await look(one, pc)).toMatchObject({ state: 'redeemed', version: 4 });
    }
  });

  it('do not accept codes of a keyring that is not theirs', async () => {
    const pc = await openPc(one);
    const stranger = { ...other, keys: { ...newKeys(), find: () => undefined } };

    await expect(look(stranger, pc)).rejects.toMatchObject({ code: 'store_unavailable' });
  });
});
