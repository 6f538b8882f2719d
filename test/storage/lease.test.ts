import { once } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { DomainError } from '../../src/core/errors.ts';
import { acquireLease, leases, runLeased, underLease } from '../../src/storage/lease.ts';
import { openStore } from '../../src/storage/open.ts';
import { remove, type Store } from '../../src/storage/store.ts';
import { countingStore } from '../support/counting-store.ts';
import { forwardingStore } from '../support/forwarding-store.ts';
import { type TestClock, testClock } from '../support/test-clock.ts';

const outage = new DomainError('store_unavailable', { detail: 'away' });
/** Renewed every 10 ms of real time; runs out only when a test moves the clock. */
const terms = { ttlMs: 30 };

async function opened(): Promise<{ store: Store; clock: TestClock }> {
  const clock = testClock();
  const store = await openStore({ url: 'sqlite::memory:', dataDir: '', clock, types: [leases] });
  onTestFinished(() => store.close());
  return { store, clock };
}

/** Works until it is told that the lease is lost. */
async function untilLost(signal: AbortSignal): Promise<string> {
  await once(signal, 'abort');
  return 'told';
}

describe('underLease', () => {
  it('keeps the lease for as long as the work takes', async () => {
    const { store, clock } = await opened();
    const start = clock.now();

    await underLease(store, 'work', terms, async (signal) => {
      for (const elapsed of [20, 40, 60]) {
        clock.set(start + elapsed);
        await vi.waitFor(async () => {
          expect((await store.get(leases, 'work'))?.until).toBe(start + elapsed + terms.ttlMs);
        });
      }
      expect(signal.aborted).toBe(false);
    });

    expect(await store.get(leases, 'work')).toBeUndefined();
  });

  it('tells the work when the lease is another’s, and leaves that alone', async () => {
    const { store } = await opened();

    const outcome = await underLease(store, 'work', terms, async (signal) => {
      await store.commit([remove(leases, 'work')]);
      await acquireLease(store, 'work', { ttlMs: 60_000 });
      return untilLost(signal);
    });

    expect(outcome).toEqual({ kind: 'done', result: 'told' });
    expect(await store.get(leases, 'work')).toBeDefined();
  });

  it.each([
    ['fails', () => Promise.reject(outage)],
    ['never answers', () => new Promise<never>(() => undefined)],
  ])('holds on while the store %s, until the time has run out', async (_, commit) => {
    const { store, clock } = await opened();
    let away = false;
    const failed = Promise.withResolvers<void>();
    const failing = forwardingStore(store, {
      commit(writes) {
        if (!away) return store.commit(writes);
        failed.resolve();
        return commit();
      },
    });

    const outcome = await underLease(failing, 'work', terms, async (signal) => {
      away = true;
      await failed.promise;
      expect(signal.aborted).toBe(false);
      clock.advance(terms.ttlMs);
      const told = await untilLost(signal);
      away = false;
      return told;
    });

    expect(outcome).toEqual({ kind: 'done', result: 'told' });
  });

  it('goes on when the store is back in time', async () => {
    const { store, clock } = await opened();
    let failures = 0;
    const failing = forwardingStore(store, {
      commit(writes) {
        const renews = writes[0]?.kind === 'patch';
        if (!renews || failures === 2) return store.commit(writes);
        failures += 1;
        return Promise.reject(outage);
      },
    });

    await underLease(failing, 'work', terms, async (signal) => {
      clock.advance(terms.ttlMs - 1);
      await vi.waitFor(async () => {
        expect((await store.get(leases, 'work'))?.until).toBe(clock.now() + terms.ttlMs);
      });
      expect(failures).toBe(2);
      expect(signal.aborted).toBe(false);
    });
  });
});

describe('runLeased', () => {
  /** A worker whose bites can be awaited. */
  function worker(store: Store, bite: () => Promise<unknown> = async () => undefined) {
    const stopping = new AbortController();
    const bites = vi.fn(bite);
    const report = vi.fn();
    const work = { name: 'work', ...terms, everyMs: 1, retryMs: 1, work: bites, report };
    const ended = runLeased(store, work, stopping.signal);
    onTestFinished(() => stop());

    async function stop(): Promise<void> {
      stopping.abort();
      await ended;
    }
    return { bites, report, stop, worked: () => vi.waitFor(() => expect(bites).toHaveBeenCalled()) };
  }

  it('has one of several at work, and the next when that one stops', async () => {
    const { store } = await opened();
    const first = worker(store);
    await first.worked();
    const second = worker(store);
    await vi.waitFor(() => expect(first.bites.mock.calls.length).toBeGreaterThan(10));
    expect(second.bites).not.toHaveBeenCalled();

    await first.stop();
    const done = first.bites.mock.calls.length;
    await second.worked();

    expect(first.bites).toHaveBeenCalledTimes(done);
  });

  it('begins when the time of one that is gone has run out', async () => {
    const { store, clock } = await opened();
    await acquireLease(store, 'work', { ttlMs: 60_000 });
    const watched = countingStore(store);
    const { bites, worked } = worker(watched);
    await vi.waitFor(() => expect(watched.counts().gets).toBeGreaterThan(3));
    expect(bites).not.toHaveBeenCalled();
    expect(watched.counts().commits).toBe(0);

    clock.advance(60_000);

    await worked();
  });

  it('reports what fails and goes on, with the same lease', async () => {
    const { store } = await opened();
    let away = true;
    const counted = countingStore(store);
    const failing = forwardingStore(counted, {
      get: (type, id) => (away ? Promise.reject(outage) : store.get(type, id)),
    });
    const broken = new Error('a bite that broke');
    const { bites, report } = worker(failing, () => Promise.reject(broken));
    await vi.waitFor(() => expect(report).toHaveBeenCalledWith(outage));

    away = false;

    await vi.waitFor(() => expect(bites.mock.calls.length).toBeGreaterThan(2));
    expect(report).toHaveBeenLastCalledWith(broken);
    expect(counted.counts().writes.filter((write) => write === 'insert lease')).toHaveLength(1);
  });

  it('writes no more often than the lease needs', async () => {
    const { store } = await opened();
    const counted = countingStore(store);
    const stopping = new AbortController();
    const bites = vi.fn(async () => undefined);
    const work = { name: 'work', ttlMs: 60_000, everyMs: 1, retryMs: 1, work: bites, report: vi.fn() };

    const ended = runLeased(counted, work, stopping.signal);
    await vi.waitFor(() => expect(bites.mock.calls.length).toBeGreaterThan(10));
    expect(counted.counts().writes).toEqual(['insert lease']);
    stopping.abort();
    await ended;

    expect(counted.counts().writes).toEqual(['insert lease', 'remove lease']);
    expect(await store.get(leases, 'work')).toBeUndefined();
  });
});
