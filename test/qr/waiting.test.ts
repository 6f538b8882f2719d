import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { approveTransaction, cancelTransaction, denyTransaction } from '../../src/qr/approving.ts';
import { QR_FEED, qrTransactions } from '../../src/qr/transaction.ts';
import type { WaitersDeps } from '../../src/qr/waiting.ts';
import { createWaiters, QR_TOPIC } from '../../src/qr/waiting.ts';
import type { WakeUpListener, Write } from '../../src/storage/store.ts';
import { forwardingStore } from '../support/forwarding-store.ts';
import type { Desk } from './qr-desk.ts';
import { closeDesk, newGrantor, openDesk, openPc, redeem, scan, scannedPc, watched } from './qr-desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(() => closeDesk(desk));

/** The same store as another process sees it when all its wake-ups are lost: with nothing but the timer. */
function elsewhere({ store = desk.store, ...options }: Partial<WaitersDeps> = {}) {
  const deaf = forwardingStore(store, { subscribe: () => () => undefined });
  return createWaiters({ store: deaf, clock: desk.clock, subscribersMax: 10, tickMs: 5, ...options });
}

/** Another process that has nothing but wake-ups: its timer does not come to its first tick. */
function wakeable(options: Partial<WaitersDeps> = {}) {
  const tickMs = 3_600_000;
  return createWaiters({ store: desk.store, clock: desk.clock, subscribersMax: 10, tickMs, ...options });
}

/** Waits for ticks of a few milliseconds; the limit only matters on a machine that is very busy. */
function eventually(assertion: () => void): Promise<void> {
  return vi.waitFor(assertion, { timeout: 10_000, interval: 2 });
}

describe('wait', () => {
  it('resolves at once where the version is another already', async () => {
    const { pc } = await scannedPc(desk);

    expect(await desk.waiters.wait(pc.id, { sinceVersion: 1, timeoutMs: 60_000 })).toBe('changed');
  });

  it('resolves when the transaction moves in this process', async () => {
    const { pc, grantor, handshake, number } = await scannedPc(desk);
    const waiting = desk.waiters.wait(pc.id, { sinceVersion: 2, timeoutMs: 60_000 });

    await approveTransaction(desk, { claim: { kind: 'handshake', handshake }, grantor, number });

    expect(await waiting).toBe('changed');
  });

  it('resolves when another process has moved it, though the wake-up was lost', async () => {
    const pc = await openPc(desk);
    const waiters = elsewhere();
    const waiting = waiters.wait(pc.id, { sinceVersion: 1, timeoutMs: 60_000 });

    await scan(desk, pc, newGrantor());

    expect(await waiting).toBe('changed');
    waiters.close();
  });

  it('resolves when the time is over and when the caller gives up', async () => {
    const pc = await openPc(desk);
    const aborting = new AbortController();
    const waiting = desk.waiters.wait(pc.id, { sinceVersion: 1, timeoutMs: 60_000, signal: aborting.signal });
    aborting.abort();

    expect(await waiting).toBe('aborted');
    expect(
      await desk.waiters.wait(pc.id, { sinceVersion: 1, timeoutMs: 60_000, signal: AbortSignal.abort() }),
    ).toBe('aborted');
    expect(await desk.waiters.wait(pc.id, { sinceVersion: 1, timeoutMs: 1 })).toBe('timeout');
  });

  it('resolves for everybody at the end, and takes no more', async () => {
    const pc = await openPc(desk);
    const waiters = elsewhere();
    const waiting = waiters.wait(pc.id, { sinceVersion: 1, timeoutMs: 60_000 });
    // The version is read after the subscription; the end comes while the wait stands.
    await desk.store.get(qrTransactions, pc.id);

    waiters.close();

    expect(await waiting).toBe('changed');
    expect(await waiters.wait(pc.id, { sinceVersion: 1, timeoutMs: 60_000 })).toBe('full');
  });

  it('gives its place back', async () => {
    const pc = await openPc(desk);
    const waiters = elsewhere({ subscribersMax: 1 });

    for (let round = 0; round < 3; round += 1) {
      expect(await waiters.wait(pc.id, { sinceVersion: 1, timeoutMs: 1 })).toBe('timeout');
    }
    waiters.close();
  });
});

describe('subscribe', () => {
  it('takes no more than it may, and stops calling who left', async () => {
    const waiters = wakeable({ subscribersMax: 2 });
    const calls: string[] = [];
    const leave = waiters.subscribe('one', () => calls.push('first'));
    waiters.subscribe('one', () => calls.push('second'));

    expect(waiters.subscribe('other', () => calls.push('third'))).toBeUndefined();
    await told('one');
    leave?.();
    leave?.();
    await told('one');
    await told('nobody waits for this');

    expect(calls).toEqual(['first', 'second', 'second']);
    expect(waiters.subscribe('other', () => {})).toBeTypeOf('function');
    expect(waiters.subscribe('other', () => {})).toBeUndefined();
    waiters.close();
  });

  it('hears of each change of another process once', async () => {
    const { pc, grantor, handshake, number } = await scannedPc(desk);
    const waiters = elsewhere();
    let calls = 0;
    waiters.subscribe(pc.id, () => {
      calls += 1;
    });
    await eventually(() => expect(calls).toBe(1));

    await approveTransaction(desk, { claim: { kind: 'handshake', handshake }, grantor, number });
    await eventually(() => expect(calls).toBe(2));
    await redeem(desk, pc);
    await eventually(() => expect(calls).toBe(3));
    waiters.close();
  });
});

/** Resolves when those who subscribed before have been told as well. */
async function told(id: string): Promise<void> {
  const heard = Promise.withResolvers<void>();
  const end = desk.store.subscribe(QR_TOPIC, () => heard.resolve());
  desk.store.notify(QR_TOPIC, id);
  await heard.promise;
  end();
}

describe('a wake-up', () => {
  it('of another process ends a wait at once, without a look at the store before it', async () => {
    const { pc, grantor, handshake, number } = await scannedPc(desk);
    const calls: string[] = [];
    const waiters = wakeable({ store: watched(desk.store, (verb) => calls.push(verb)) });
    const waiting = waiters.wait(pc.id, { sinceVersion: 2, timeoutMs: 60_000 });

    await approveTransaction(desk, { claim: { kind: 'handshake', handshake }, grantor, number });

    expect(await waiting).toBe('changed');
    expect(calls).toEqual(['get']);
    waiters.close();
  });

  it('that does not say of what makes everybody look', async () => {
    const calls: string[] = [];
    let wake: WakeUpListener = () => undefined;
    const store = forwardingStore(desk.store, {
      subscribe: (_topic, listener) => {
        wake = listener;
        return () => undefined;
      },
    });
    const waiters = wakeable({ store });
    for (const id of ['one', 'other']) waiters.subscribe(id, () => calls.push(id));

    wake(undefined);

    expect(calls).toEqual(['one', 'other']);
    waiters.close();
  });

  it('comes after the commit that it tells of, for every arrow', async () => {
    const seen: number[] = [];
    const versions = desk.store.subscribe(QR_TOPIC, async (id = '') => {
      seen.push((await desk.store.get(qrTransactions, id))?.version ?? 0);
    });
    const { pc, grantor, handshake, number } = await scannedPc(desk);
    await approveTransaction(desk, { claim: { kind: 'handshake', handshake }, grantor, number });
    const given = await openPc(desk);
    await cancelTransaction(desk, { id: given.id, access: given.access });
    const refused = await scannedPc(desk);
    const claim = { kind: 'handshake', handshake: refused.handshake } as const;
    await denyTransaction(desk, { claim, grantor: refused.grantor, reason: 'not_me' });
    await told('the last one');

    expect(pc.id).not.toBe('');
    expect(seen.slice(0, 5)).toEqual([2, 3, 2, 2, 3]);
    versions();
  });

  it('is asked for only while somebody waits', () => {
    let subscriptions = 0;
    const store = forwardingStore(desk.store, {
      subscribe: (...args) => {
        const end = desk.store.subscribe(...args);
        subscriptions += 1;
        return () => {
          subscriptions -= 1;
          end();
        };
      },
    });
    const waiters = wakeable({ store });
    expect(subscriptions).toBe(0);
    const leave = [waiters.subscribe('one', () => {}), waiters.subscribe('other', () => {})];
    expect(subscriptions).toBe(1);
    for (const each of leave) each?.();
    expect(subscriptions).toBe(0);
    waiters.subscribe('one', () => {});
    waiters.close();
    expect(subscriptions).toBe(0);
  });
});

describe('the shared timer', () => {
  it('reads once per tick, however many are waiting, and writes nothing (I6)', async () => {
    const pcs = await Promise.all(Array.from({ length: 50 }, () => openPc(desk)));
    const calls: string[] = [];
    const waiters = elsewhere({
      store: watched(desk.store, (verb) => calls.push(verb)),
      subscribersMax: 100,
    });
    for (const pc of pcs) waiters.subscribe(pc.id, () => {});

    await eventually(() => expect(calls.length).toBeGreaterThanOrEqual(3));

    expect(calls.length).toBeLessThan(50);
    expect(new Set(calls)).toEqual(new Set(['list']));
    waiters.close();
  });

  it('goes on after a reading that failed', async () => {
    const pc = await openPc(desk);
    const errors: unknown[] = [];
    let failing = true;
    const store = watched(desk.store, (verb) => {
      if (verb === 'list' && failing) throw new Error('away');
    });
    const waiters = elsewhere({ store, onError: (error) => errors.push(error) });
    const waiting = waiters.wait(pc.id, { sinceVersion: 1, timeoutMs: 60_000 });
    await scan(desk, pc, newGrantor());
    await eventually(() => expect(errors.length).toBeGreaterThan(1));

    failing = false;

    expect(await waiting).toBe('changed');
    waiters.close();
  });

  it('stops when nobody waits', async () => {
    let lists = 0;
    const store = watched(desk.store, () => {
      lists += 1;
    });
    const waiters = elsewhere({ store });
    const leave = waiters.subscribe('one', () => {});
    await eventually(() => expect(lists).toBeGreaterThan(0));

    leave?.();
    const before = lists;
    await untilAnotherHasTicked();

    expect(lists).toBe(before);
    waiters.close();
  });

  /** Some ticks' worth of time, measured by waiters that do tick. */
  async function untilAnotherHasTicked(): Promise<void> {
    let ticks = 0;
    const store = watched(desk.store, () => {
      ticks += 1;
    });
    const other = elsewhere({ store });
    other.subscribe('one', () => {});
    await eventually(() => expect(ticks).toBeGreaterThan(3));
    other.close();
  }

  it('lets everybody look for themselves when too much has changed to tell', async () => {
    const many = Array.from({ length: 1_001 }, (_, index) => changed(`transaction-${index}`));
    for (const some of [many.slice(0, 500), many.slice(500, 1_000), many.slice(1_000)]) {
      await desk.store.commit(some);
    }
    const waiters = elsewhere();
    let calls = 0;
    waiters.subscribe('none of these', () => {
      calls += 1;
    });

    await eventually(() => expect(calls).toBeGreaterThan(1));
    waiters.close();
  });

  function changed(id: string): Write {
    const expiresAt = desk.clock.now() + 60_000;
    const body = { id, version: 2, feed: QR_FEED, changedAt: desk.clock.now(), expiresAt };
    return { kind: 'put', type: qrTransactions, id, body };
  }
});
