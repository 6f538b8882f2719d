import { describe, expect, it } from 'vitest';
import { acquireLease, leases, underLease } from '../../src/storage/lease.ts';
import { insert } from '../../src/storage/store.ts';
import type { OpenForContract } from './contract.ts';
import { ask, kill, startChild } from './contract-children.ts';
import { things } from './contract-types.ts';

const terms = { ttlMs: 60_000 };

export function describeLeases(open: (options?: object) => ReturnType<OpenForContract>): void {
  describe('a lease', () => {
    it('has one holder, however many ask at once (I2)', async () => {
      const { store } = await open();

      for (let round = 0; round < 20; round += 1) {
        const asked = Array.from({ length: 20 }, () => acquireLease(store, `work-${round}`, terms));
        const held = (await Promise.all(asked)).filter((lease) => lease !== undefined);

        expect(held).toHaveLength(1);
      }
    });

    it('is free again the moment that it is released, and no sooner', async () => {
      const { store } = await open();
      const lease = await acquireLease(store, 'work', terms);

      expect(await acquireLease(store, 'work', terms)).toBeUndefined();
      expect(await lease?.release()).toBe(true);

      expect(await acquireLease(store, 'work', terms)).toBeDefined();
    });

    it('is free again when its time has run out, to the millisecond', async () => {
      const { store, clock } = await open();
      await acquireLease(store, 'work', terms);

      clock.advance(terms.ttlMs - 1);
      expect(await acquireLease(store, 'work', terms)).toBeUndefined();
      clock.advance(1);
      expect(await acquireLease(store, 'work', terms)).toBeDefined();
    });

    it('is held for a whole term from each renewal', async () => {
      const { store, clock } = await open();
      const lease = await acquireLease(store, 'work', terms);

      clock.advance(terms.ttlMs - 1);
      expect(await lease?.renew()).toBe(true);
      expect(lease?.until).toBe(clock.now() + terms.ttlMs);
      clock.advance(terms.ttlMs - 1);

      expect(await acquireLease(store, 'work', terms)).toBeUndefined();
    });

    it('cannot be renewed when its time has run out, even where nobody has taken it', async () => {
      const { store, clock } = await open();
      const lease = await acquireLease(store, 'work', terms);

      clock.advance(terms.ttlMs);

      expect(await lease?.renew()).toBe(false);
      expect(await store.get(leases, 'work')).toBeUndefined();
    });

    it('is out of reach of a holder who slept past its time', async () => {
      const { store, clock } = await open();
      const sleeper = await acquireLease(store, 'work', terms);
      clock.advance(terms.ttlMs);
      const next = await acquireLease(store, 'work', terms);

      expect(await sleeper?.renew()).toBe(false);
      expect(await sleeper?.release()).toBe(false);
      const late = await store.commit([insert(things, 'late', {}), ...(sleeper ? [sleeper.held()] : [])]);

      expect(late).toMatchObject({ committed: false, failed: { index: 1, cause: 'condition' } });
      expect(await next?.renew()).toBe(true);
      expect(await store.commit([insert(things, 'now', {}), ...(next ? [next.held()] : [])])).toEqual({
        committed: true,
      });
    });

    it('is for one name and no other', async () => {
      const { store } = await open();

      expect(await acquireLease(store, 'one', terms)).toBeDefined();
      expect(await acquireLease(store, 'other', terms)).toBeDefined();
    });

    it('of a process that was killed is free when its time has run out', async (context) => {
      const { store, clock, address } = await open();
      if (address === undefined) return context.skip('only one process can use this store');
      const child = await startChild(address);
      const report = await ask(child, { kind: 'hold', lease: 'work', ttlMs: terms.ttlMs });
      const until = report.kind === 'held' ? (report.until ?? 0) : 0;

      await kill(child);
      clock.set(until - 1);
      expect(await acquireLease(store, 'work', terms)).toBeUndefined();
      clock.set(until);

      expect(await acquireLease(store, 'work', terms)).toBeDefined();
    });
  });

  describe('work under a lease', () => {
    it('is done by one at a time, and by another only after that', async () => {
      const { store } = await open();
      let working = 0;
      let most = 0;
      const attempt = () =>
        underLease(store, 'work', terms, async () => {
          working += 1;
          most = Math.max(most, working);
          await new Promise((resolve) => setImmediate(resolve));
          working -= 1;
          return 'result';
        });

      const outcomes = await Promise.all(Array.from({ length: 10 }, attempt));

      expect(outcomes).toContainEqual({ kind: 'done', result: 'result' });
      expect(most).toBe(1);
      expect(await attempt()).toEqual({ kind: 'done', result: 'result' });
    });

    it('that fails says so and frees the lease', async () => {
      const { store } = await open();

      const failing = underLease(store, 'work', terms, () => Promise.reject(new Error('it broke')));

      await expect(failing).rejects.toThrow('it broke');
      expect(await acquireLease(store, 'work', terms)).toBeDefined();
    });
  });
}
