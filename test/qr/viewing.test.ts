import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newSessionId } from '../../src/core/ids.ts';
import { denyTransaction } from '../../src/qr/approving.ts';
import { qrTransactions } from '../../src/qr/transaction.ts';
import { viewTransaction } from '../../src/qr/viewing.ts';
import type { Desk } from './qr-desk.ts';
import {
  approvedPc,
  COOKIE,
  closeDesk,
  ISSUER,
  labelOf,
  look,
  openDesk,
  openPc,
  redeem,
  scannedPc,
} from './qr-desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(() => closeDesk(desk));

describe('viewTransaction', () => {
  it('shows the displayer the QR, with remaining times only', async () => {
    const pc = await openPc(desk);
    desk.clock.advance(70_000);

    const snapshot = await look(desk, pc);

    expect(snapshot).toEqual({
      kind: 'snapshot',
      id: pc.id,
      direction: 'map',
      role: 'grantee',
      state: 'pending',
      version: 1,
      confirm: 'number',
      deadlineInMs: 530_000,
      qr: {
        uri: expect.stringMatching(new RegExp(`^${ISSUER}/q/m/${pc.id}#[\\w-]{22}$`)),
        generation: 1,
        rotateInMs: 50_000,
        expiresInMs: 110_000,
      },
    });
  });

  it('promises no life of a code beyond that of the transaction', async () => {
    const pc = await openPc(desk);
    desk.clock.advance(590_000);

    expect((await look(desk, pc)).qr).toMatchObject({ rotateInMs: 10_000, expiresInMs: 10_000 });
  });

  it('writes nothing, however often the code rotates (I6)', async () => {
    const pc = await openPc(desk);
    const before = await desk.store.get(qrTransactions, pc.id);
    const codes = new Set<string | undefined>();
    for (let minute = 0; minute < 10; minute += 1) {
      codes.add((await look(desk, pc)).qr?.uri);
      desk.clock.advance(60_000);
    }

    expect(codes.size).toBe(10);
    expect(await desk.store.get(qrTransactions, pc.id)).toEqual(before);
  });

  it('shows two digits after the scan, and no QR any more', async () => {
    const { pc } = await scannedPc(desk);

    const snapshot = await look(desk, pc);

    expect(snapshot).toMatchObject({ state: 'scanned', version: 2, deadlineInMs: 60_000 });
    expect(snapshot.matchNumber).toMatch(/^\d\d$/);
    expect(snapshot).not.toHaveProperty('qr');
  });

  it('says nothing about the grantor before the approval (M17)', async () => {
    const pc = await openPc(desk);
    const { pc: scanned, grantor } = await scannedPc(desk);

    for (const one of [pc, scanned]) {
      const snapshot = await viewTransaction(desk, { id: one.id, access: one.access, labelOf });
      expect(snapshot).not.toHaveProperty('account');
      expect(snapshot).not.toHaveProperty('request');
      expect(JSON.stringify(snapshot)).not.toContain(grantor.accountId);
    }
  });

  it('names the account after the approval to who asks, until the redemption', async () => {
    const { pc, grantor } = await approvedPc(desk);

    expect(await look(desk, pc)).not.toHaveProperty('account');
    expect(await viewTransaction(desk, { id: pc.id, access: pc.access, labelOf })).toMatchObject({
      state: 'approved',
      account: { label: `label of ${grantor.accountId}`, confirm: expect.stringMatching(/^[\w-]{22}$/) },
    });
    await redeem(desk, pc);
    expect(await viewTransaction(desk, { id: pc.id, access: pc.access, labelOf })).not.toHaveProperty(
      'account',
    );
  });

  it('shows the grantor who asks, and neither code nor number', async () => {
    const { pc, grantor } = await scannedPc(desk);

    const access = { kind: 'session', sessionId: grantor.sessionId } as const;
    const snapshot = await viewTransaction(desk, { id: pc.id, access });

    expect(snapshot).toMatchObject({
      role: 'grantor',
      request: { clientId: 'web-app', expiresInMs: 60_000 },
    });
    expect(snapshot).not.toHaveProperty('qr');
    expect(snapshot).not.toHaveProperty('matchNumber');
  });

  it('keeps the networks apart where they are known, and says so where not', async () => {
    const { pc, grantor } = await scannedPc(desk);
    const access = { kind: 'session', sessionId: grantor.sessionId } as const;

    expect(await viewTransaction(desk, { id: pc.id, access })).toMatchObject({
      request: { networkMatch: undefined },
    });
  });

  it('reads as expired when a state has lapsed, with a version of its own', async () => {
    const { pc } = await scannedPc(desk);
    desk.clock.advance(60_000);

    expect(await look(desk, pc)).toMatchObject({ state: 'expired', version: 3, deadlineInMs: 0 });
  });

  it('still says how it ended some minutes later, and nothing after that', async () => {
    const { pc, grantor, handshake } = await scannedPc(desk);
    await denyTransaction(desk, { claim: { kind: 'handshake', handshake }, grantor, reason: 'not_me' });

    desk.clock.advance(299_000);
    expect((await look(desk, pc)).state).toBe('denied');
    desk.clock.advance(1_000);
    expect(await viewTransaction(desk, { id: pc.id, access: pc.access })).toMatchObject({
      refusal: { code: 'not_found' },
    });
  });

  it('looks alike for a stranger, a wrong secret and a record that is not there (F1)', async () => {
    const pc = await openPc(desk);
    const withCookie = await openPc(desk, {
      opener: { role: 'grantee', binding: { kind: 'cookie', cookie: COOKIE } },
    });
    const attempts = [
      { id: pc.id, access: { kind: 'secret', secret: `${pc.id}.${'A'.repeat(32)}` } },
      { id: pc.id, access: { kind: 'secret', secret: '' } },
      { id: pc.id, access: { kind: 'cookie', cookie: COOKIE } },
      { id: pc.id, access: { kind: 'session', sessionId: newSessionId() } },
      { id: withCookie.id, access: { kind: 'cookie', cookie: 'of another browser' } },
      { id: withCookie.id, access: { kind: 'secret', secret: '' } },
      { id: 'not-a-record-id!', access: pc.access },
    ] as const;

    for (const attempt of attempts) {
      expect(await viewTransaction(desk, attempt)).toEqual({
        kind: 'refused',
        refusal: { code: 'not_found' },
      });
    }
    expect((await look(desk, withCookie)).state).toBe('pending');
  });
});
