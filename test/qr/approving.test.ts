import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newSessionId } from '../../src/core/ids.ts';
import { approveTransaction, cancelTransaction, denyTransaction } from '../../src/qr/approving.ts';
import { qrTransactions } from '../../src/qr/transaction.ts';
import type { Desk } from './qr-desk.ts';
import { closeDesk, look, newGrantor, openDesk, openPc, redeem, scannedPc } from './qr-desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(() => closeDesk(desk));

function byHandshake(handshake: string) {
  return { kind: 'handshake', handshake } as const;
}

function wrong(number: string): string {
  return String((Number(number) + 1) % 100).padStart(2, '0');
}

describe('approveTransaction', () => {
  it('approves with the number of the other screen', async () => {
    const { pc, grantor, handshake, number } = await scannedPc(desk);

    const outcome = await approveTransaction(desk, { claim: byHandshake(handshake), grantor, number });

    expect(outcome).toEqual({ kind: 'approved' });
    expect(await look(desk, pc)).toMatchObject({ state: 'approved', deadlineInMs: 60_000 });
  });

  it('counts wrong numbers down and denies at the third, also if the right one follows (M6)', async () => {
    const { pc, grantor, handshake, number } = await scannedPc(desk);
    const attempt = (typed: string) =>
      approveTransaction(desk, { claim: byHandshake(handshake), grantor, number: typed });

    for (const attemptsLeft of [2, 1, 0]) {
      expect(await attempt(wrong(number))).toEqual({
        kind: 'refused',
        refusal: { code: 'wrong_number', attemptsLeft },
      });
    }
    expect(await attempt(number)).toEqual({
      kind: 'refused',
      refusal: { code: 'state_conflict', state: 'denied' },
    });
    expect((await look(desk, pc)).state).toBe('denied');
  });

  it.each([undefined, '', '7', '007', ' 07', '0x07', '\u0000'])(
    'counts %j as a wrong number',
    async (typed) => {
      const { grantor, handshake } = await scannedPc(desk);
      const request = {
        claim: byHandshake(handshake),
        grantor,
        ...(typed !== undefined && { number: typed }),
      };

      expect(await approveTransaction(desk, request)).toMatchObject({ refusal: { code: 'wrong_number' } });
    },
  );

  it('needs no number where the client asks for a tap', async () => {
    const { grantor, handshake } = await scannedPc(desk, { confirm: 'tap' });

    expect(await approveTransaction(desk, { claim: byHandshake(handshake), grantor })).toEqual({
      kind: 'approved',
    });
  });

  it('keeps the facts of the token that approves, which may be fresher than those of the scan', async () => {
    const { pc, grantor, handshake, number } = await scannedPc(desk);
    const fresh = { ...grantor, auth: { time: 1_800_000_000, acr: 'urn:strata:acr:2', amr: ['pwd', 'otp'] } };

    await approveTransaction(desk, { claim: byHandshake(handshake), grantor: fresh, number });

    expect((await desk.store.get(qrTransactions, pc.id))?.grantor?.auth).toEqual(fresh.auth);
  });

  it('refuses the handshake of the winner in the hands of another session, and forged ones', async () => {
    const { pc, grantor, handshake, number } = await scannedPc(desk);
    const stranger = newGrantor({ accountId: grantor.accountId });
    const forged = `${pc.id}.${'A'.repeat(22)}`;
    const attempts = [
      { claim: byHandshake(handshake), grantor: stranger, number },
      { claim: byHandshake(forged), grantor, number },
      { claim: byHandshake('nonsense'), grantor, number },
      { claim: byHandshake(''), grantor, number },
      { claim: { kind: 'id', id: pc.id } as const, grantor, number },
    ];

    for (const attempt of attempts) {
      expect(await approveTransaction(desk, attempt)).toEqual({
        kind: 'refused',
        refusal: { code: 'unknown_handshake' },
      });
    }
    expect(await look(desk, pc)).toMatchObject({ state: 'scanned', version: 2 });
  });

  it('is refused 60 s after the scan', async () => {
    const { grantor, handshake, number } = await scannedPc(desk);
    desk.clock.advance(60_000);

    expect(await approveTransaction(desk, { claim: byHandshake(handshake), grantor, number })).toEqual({
      kind: 'refused',
      refusal: { code: 'expired_token' },
    });
  });

  it('does not bring back a transaction that is redeemed', async () => {
    const { pc, grantor, handshake, number } = await scannedPc(desk);
    await approveTransaction(desk, { claim: byHandshake(handshake), grantor, number });
    await redeem(desk, pc);

    expect(await approveTransaction(desk, { claim: byHandshake(handshake), grantor, number })).toEqual({
      kind: 'refused',
      refusal: { code: 'state_conflict', state: 'redeemed' },
    });
  });
});

describe('parallel approvals', () => {
  it('have one winner among 20', async () => {
    const { pc, grantor, handshake, number } = await scannedPc(desk);
    const request = { claim: byHandshake(handshake), grantor, number };

    const outcomes = await Promise.all(Array.from({ length: 20 }, () => approveTransaction(desk, request)));

    const losers = outcomes.filter((outcome) => outcome.kind === 'refused');
    expect(losers).toHaveLength(19);
    for (const { refusal } of losers) expect(refusal).toEqual({ code: 'state_conflict', state: 'approved' });
    expect((await look(desk, pc)).version).toBe(3);
  });

  it('count no more than three guesses', async () => {
    const { pc, grantor, handshake, number } = await scannedPc(desk);
    const request = { claim: byHandshake(handshake), grantor, number: wrong(number) };

    const outcomes = await Promise.all(Array.from({ length: 20 }, () => approveTransaction(desk, request)));

    const judged = outcomes.flatMap((outcome) =>
      outcome.kind === 'refused' && outcome.refusal.code === 'wrong_number'
        ? [outcome.refusal.attemptsLeft]
        : [],
    );
    expect(judged.sort()).toEqual([0, 1, 2]);
    expect((await look(desk, pc)).state).toBe('denied');
  });

  it('leave one end of an approval and a denial that come together', async () => {
    const { pc, grantor, handshake, number } = await scannedPc(desk);
    const claim = byHandshake(handshake);

    await Promise.all([
      approveTransaction(desk, { claim, grantor, number }),
      denyTransaction(desk, { claim, grantor, reason: 'not_me' }),
    ]);

    expect((await look(desk, pc)).state).toBe('denied');
  });
});

describe('denyTransaction', () => {
  it('denies after the scan and keeps the reason', async () => {
    const { pc, grantor, handshake } = await scannedPc(desk);

    const outcome = await denyTransaction(desk, { claim: byHandshake(handshake), grantor, reason: 'not_me' });

    expect(outcome).toEqual({ kind: 'denied' });
    expect((await desk.store.get(qrTransactions, pc.id))?.denyReason).toBe('not_me');
    expect(await redeem(desk, pc)).toEqual({ kind: 'refused', refusal: { code: 'access_denied' } });
  });

  it('undoes an approval until it is redeemed (M15)', async () => {
    const { pc, grantor, handshake, number } = await scannedPc(desk);
    const claim = byHandshake(handshake);
    await approveTransaction(desk, { claim, grantor, number });

    expect(await denyTransaction(desk, { claim, grantor, reason: 'mistake' })).toEqual({ kind: 'denied' });
    expect(await redeem(desk, pc)).toEqual({ kind: 'refused', refusal: { code: 'access_denied' } });
  });

  it('is too late after the redemption and leaves it alone', async () => {
    const { pc, grantor, handshake, number } = await scannedPc(desk);
    const claim = byHandshake(handshake);
    await approveTransaction(desk, { claim, grantor, number });
    await redeem(desk, pc);

    expect(await denyTransaction(desk, { claim, grantor, reason: 'not_me' })).toEqual({
      kind: 'refused',
      refusal: { code: 'state_conflict', state: 'redeemed' },
    });
    expect((await look(desk, pc)).state).toBe('redeemed');
  });
});

describe('cancelTransaction', () => {
  it.each(['pending', 'scanned', 'approved'] as const)('ends a transaction that is %s', async (state) => {
    const pc = state === 'pending' ? await openPc(desk) : await scannedThen(state);

    const outcome = await cancelTransaction(desk, {
      id: pc.id,
      access: { kind: 'secret', secret: pc.secret },
    });

    expect(outcome).toEqual({ kind: 'cancelled' });
    expect(await redeem(desk, pc)).toEqual({ kind: 'refused', refusal: { code: 'access_denied' } });
  });

  async function scannedThen(state: 'scanned' | 'approved') {
    const { pc, grantor, handshake, number } = await scannedPc(desk);
    if (state === 'approved')
      await approveTransaction(desk, { claim: byHandshake(handshake), grantor, number });
    return pc;
  }

  it('is refused after the redemption', async () => {
    const pc = await scannedThen('approved');
    await redeem(desk, pc);

    expect(
      await cancelTransaction(desk, { id: pc.id, access: { kind: 'secret', secret: pc.secret } }),
    ).toEqual({
      kind: 'refused',
      refusal: { code: 'state_conflict', state: 'redeemed' },
    });
  });

  it('does not exist for who has neither secret, cookie nor session', async () => {
    const pc = await openPc(desk);
    const strangers = [
      { kind: 'secret', secret: `${pc.id}.${'A'.repeat(32)}` },
      { kind: 'cookie', cookie: 'any' },
      { kind: 'session', sessionId: newSessionId() },
    ] as const;

    for (const access of strangers) {
      expect(await cancelTransaction(desk, { id: pc.id, access })).toEqual({
        kind: 'refused',
        refusal: { code: 'not_found' },
      });
    }
    expect((await look(desk, pc)).state).toBe('pending');
  });
});
