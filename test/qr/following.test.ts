import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { approveTransaction, denyTransaction } from '../../src/qr/approving.ts';
import { followTransaction } from '../../src/qr/following.ts';
import type { StreamEvent } from '../../src/qr/stream-events.ts';
import { QR_TOPIC } from '../../src/qr/waiting.ts';
import type { Desk, Pc } from './qr-desk.ts';
import { closeDesk, look, newGrantor, openDesk, openPc, scan, scannedPc } from './qr-desk.ts';

let desk: Desk;
let leaving: AbortController;
beforeEach(async () => {
  desk = await openDesk();
  leaving = new AbortController();
});
afterEach(() => closeDesk(desk));

async function follow(pc: Pc): Promise<AsyncIterator<StreamEvent>> {
  const following = await followTransaction(desk, { id: pc.id, access: pc.access, signal: leaving.signal });
  if (following.kind !== 'following') throw new Error(following.refusal.code);
  return following.events[Symbol.asyncIterator]();
}

describe('followTransaction', () => {
  it('tells the whole story of a sign-in and ends with the redemption’s cue', async () => {
    const pc = await openPc(desk);
    const events = await follow(pc);
    const grantor = newGrantor();

    expect((await events.next()).value).toMatchObject({ id: '1', event: 'code' });
    const handshake = await scan(desk, pc, grantor);
    const scanned = (await events.next()).value as StreamEvent;
    expect(scanned).toMatchObject({ id: '2', event: 'scanned', data: { expires_in_ms: 60_000 } });
    const number = String(scanned.data.match_number);
    await approveTransaction(desk, { claim: { kind: 'handshake', handshake }, grantor, number });
    expect((await events.next()).value).toMatchObject({ id: '3', event: 'approved' });
    await denyTransaction(desk, { claim: { kind: 'handshake', handshake }, grantor, reason: 'mistake' });
    expect((await events.next()).value).toMatchObject({ id: '4', event: 'denied' });
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  it('gives a screen that comes back the present state and misses nothing', async () => {
    const { pc, number } = await scannedPc(desk);

    const events = await follow(pc);

    expect((await events.next()).value).toMatchObject({ event: 'scanned', data: { match_number: number } });
  });

  it('sends the next code when the minute is over', async () => {
    const pc = await openPc(desk);
    const events = await follow(pc);
    await events.next();

    desk.clock.advance(60_000);
    // Any wake-up leads to a new look, as the timer of the rotation would.
    const next = events.next();
    desk.store.notify(QR_TOPIC, pc.id);

    expect((await next).value).toMatchObject({ id: '1', event: 'code', data: { generation: 1 } });
  });

  it('misses nothing that happens between two events', async () => {
    const pc = await openPc(desk);
    const events = await follow(pc);
    await events.next();
    await scan(desk, pc, newGrantor());

    expect((await events.next()).value).toMatchObject({ event: 'scanned' });
  });

  it('says that a state has lapsed and ends', async () => {
    const { pc } = await scannedPc(desk);
    desk.clock.advance(60_000);
    const events = await follow(pc);

    expect((await events.next()).value).toMatchObject({
      id: '3',
      event: 'expired',
      data: { can_refresh: true },
    });
    expect((await events.next()).done).toBe(true);
  });

  it('ends when the client has gone, and gives its place back', async () => {
    const pc = await openPc(desk);
    const events = await follow(pc);
    await events.next();
    const next = events.next();

    leaving.abort();

    expect((await next).done).toBe(true);
  });

  it('gives its place back also where nobody began to read', async () => {
    const pc = await openPc(desk);
    for (let round = 0; round < 150; round += 1) {
      leaving = new AbortController();
      await follow(pc);
      leaving.abort();
    }
    expect((await look(desk, pc)).state).toBe('pending');
  });

  it('refuses a stranger, and a stream too many', async () => {
    const pc = await openPc(desk);
    const stranger = { id: pc.id, access: { kind: 'cookie', cookie: 'x' }, signal: leaving.signal } as const;
    expect(await followTransaction(desk, stranger)).toMatchObject({ refusal: { code: 'not_found' } });

    for (let stream = 0; stream < 100; stream += 1) await follow(pc);
    const full = await followTransaction(desk, { ...stranger, access: pc.access });

    expect(full).toMatchObject({ refusal: { code: 'too_many' } });
    leaving.abort();
  });
});
