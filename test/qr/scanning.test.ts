import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cancelTransaction } from '../../src/qr/approving.ts';
import { scanTransaction } from '../../src/qr/scanning.ts';
import { qrTransactions } from '../../src/qr/transaction.ts';
import type { Desk } from './qr-desk.ts';
import { closeDesk, look, newGrantor, openDesk, openPc, readScreen, scanOf } from './qr-desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(() => closeDesk(desk));

describe('scanTransaction', () => {
  it('gives the scanner a handshake and what it should know about who asks', async () => {
    const pc = await openPc(desk, { resource: ['https://api.example'] });
    desk.clock.advance(4_000);

    const scanned = await scanTransaction(
      desk,
      scanOf(pc, await readScreen(desk, pc), newGrantor({ addressPrefix: '192.0.2.0/24' })),
    );

    expect(scanned).toMatchObject({
      kind: 'scanned',
      id: pc.id,
      role: 'grantor',
      handshake: expect.stringMatching(/^[\w-]{16}\.[\w-]{22}$/),
      request: {
        clientId: 'web-app',
        scope: 'openid',
        resource: ['https://api.example'],
        requester: { browser: 'Firefox', os: 'Linux' },
        networkMatch: true,
        confirm: 'number',
        createdAgoMs: 4_000,
        expiresInMs: 60_000,
      },
    });
  });

  it('accepts a code that left the screen less than a minute ago', async () => {
    const pc = await openPc(desk);
    const code = await readScreen(desk, pc);
    desk.clock.advance(119_999);

    expect(await scanTransaction(desk, scanOf(pc, code, newGrantor()))).toMatchObject({ kind: 'scanned' });
  });

  it('refuses a code after two minutes, and leaves the transaction to the next scan', async () => {
    const pc = await openPc(desk);
    const code = await readScreen(desk, pc);
    desk.clock.advance(120_000);

    const late = await scanTransaction(desk, scanOf(pc, code, newGrantor()));

    expect(late).toEqual({ kind: 'refused', refusal: { code: 'expired_token' } });
    expect((await look(desk, pc)).state).toBe('pending');
  });

  it('refuses every code after ten minutes, while the record still stands', async () => {
    const pc = await openPc(desk);
    desk.clock.advance(599_000);
    const code = await readScreen(desk, pc);
    desk.clock.advance(1_000);

    const late = await scanTransaction(desk, scanOf(pc, code, newGrantor()));

    expect(late).toEqual({ kind: 'refused', refusal: { code: 'expired_token' } });
    expect((await look(desk, pc)).state).toBe('expired');
  });

  it.each(['', 'x', 'A'.repeat(22), '\u0000', 'é'.repeat(500)])(
    'refuses %j as no code of ours',
    async (code) => {
      const pc = await openPc(desk);

      const refusal = { kind: 'refused', refusal: { code: 'invalid_code' } };
      expect(await scanTransaction(desk, scanOf(pc, code, newGrantor()))).toEqual(refusal);
      expect(await scanTransaction(desk, scanOf({ ...pc, id: code }, code, newGrantor()))).toEqual(refusal);
    },
  );

  it('refuses the code of another transaction', async () => {
    const pc = await openPc(desk);
    const other = await openPc(desk);

    const scanned = await scanTransaction(desk, scanOf(pc, await readScreen(desk, other), newGrantor()));

    expect(scanned).toEqual({ kind: 'refused', refusal: { code: 'invalid_code' } });
  });

  it('tells a second scanner of either live code that somebody was first, and changes nothing (M5)', async () => {
    const pc = await openPc(desk);
    const older = await readScreen(desk, pc);
    desk.clock.advance(60_000);
    const newer = await readScreen(desk, pc);
    const stranger = newGrantor();
    await scanTransaction(desk, scanOf(pc, newer, newGrantor()));
    const before = await desk.store.get(qrTransactions, pc.id);

    for (const code of [older, newer]) {
      const second = await scanTransaction(desk, scanOf(pc, code, stranger));
      expect(second).toEqual({ kind: 'refused', refusal: { code: 'already_used' } });
    }
    expect(await scanTransaction(desk, scanOf(pc, 'A'.repeat(22), stranger))).toEqual({
      kind: 'refused',
      refusal: { code: 'invalid_code' },
    });
    expect(await desk.store.get(qrTransactions, pc.id)).toEqual(before);
  });

  it('gives the winner the same handshake again, so that a lost answer costs nothing', async () => {
    const pc = await openPc(desk);
    const code = await readScreen(desk, pc);
    const grantor = newGrantor();

    const first = await scanTransaction(desk, scanOf(pc, code, grantor));
    const version = (await look(desk, pc)).version;
    const again = await scanTransaction(desk, scanOf(pc, code, grantor));

    expect(again).toEqual(first);
    expect((await look(desk, pc)).version).toBe(version);
  });

  it('gives nothing again once the scan has lapsed', async () => {
    const pc = await openPc(desk);
    const code = await readScreen(desk, pc);
    const grantor = newGrantor();
    await scanTransaction(desk, scanOf(pc, code, grantor));
    desk.clock.advance(60_000);

    expect(await scanTransaction(desk, scanOf(pc, code, grantor))).toEqual({
      kind: 'refused',
      refusal: { code: 'already_used' },
    });
  });

  it('says of a cancelled transaction that its code is over', async () => {
    const pc = await openPc(desk);
    const code = await readScreen(desk, pc);
    await cancelTransaction(desk, { id: pc.id, access: { kind: 'secret', secret: pc.secret } });

    expect(await scanTransaction(desk, scanOf(pc, code, newGrantor()))).toEqual({
      kind: 'refused',
      refusal: { code: 'expired_token' },
    });
  });

  it('refuses a code under the address of the other direction', async () => {
    const pc = await openPc(desk);
    const code = await readScreen(desk, pc);

    const swapped = await scanTransaction(desk, {
      id: pc.id,
      code,
      direction: 'pam',
      scanner: { role: 'grantee', binding: { kind: 'dpop', jkt: 'thumbprint' } },
    });
    const wrongRole = await scanTransaction(desk, {
      id: pc.id,
      code,
      direction: 'map',
      scanner: { role: 'grantee', binding: { kind: 'dpop', jkt: 'thumbprint' } },
    });

    expect([swapped, wrongRole]).toEqual([
      { kind: 'refused', refusal: { code: 'wrong_direction' } },
      { kind: 'refused', refusal: { code: 'wrong_direction' } },
    ]);
  });

  it('asks for the number whatever the client says, where the scan came from any camera', async () => {
    const pc = await openPc(desk, { confirm: 'none' });

    const scanned = await scanTransaction(desk, {
      ...scanOf(pc, await readScreen(desk, pc), newGrantor()),
      insistOnNumber: true,
    });

    expect(scanned).toMatchObject({ request: { confirm: 'number' } });
    expect(await look(desk, pc)).toMatchObject({
      state: 'scanned',
      matchNumber: expect.stringMatching(/^\d\d$/),
    });
  });

  it('approves at once where the client asks for no confirmation', async () => {
    const pc = await openPc(desk, { confirm: 'none' });

    await scanTransaction(desk, scanOf(pc, await readScreen(desk, pc), newGrantor()));

    expect((await look(desk, pc)).state).toBe('approved');
  });
});

describe('parallel scans', () => {
  it('have one winner among 20, and the others hear that they came second', async () => {
    const pc = await openPc(desk);
    const code = await readScreen(desk, pc);
    const scanners = Array.from({ length: 20 }, () => newGrantor());

    const outcomes = await Promise.all(
      scanners.map((grantor) => scanTransaction(desk, scanOf(pc, code, grantor))),
    );

    const losers = outcomes.filter((outcome) => outcome.kind === 'refused');
    expect(losers).toHaveLength(19);
    expect(new Set(losers.map(({ refusal }) => refusal.code))).toEqual(new Set(['already_used']));
    const winner = scanners[outcomes.findIndex(({ kind }) => kind === 'scanned')];
    const record = await desk.store.get(qrTransactions, pc.id);
    expect(record).toMatchObject({ version: 2, grantor: { sessionId: winner?.sessionId } });
  });
});
