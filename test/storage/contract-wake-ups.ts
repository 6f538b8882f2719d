import { describe, expect, it, vi } from 'vitest';
import type { OpenForContract } from './contract.ts';
import type { Report } from './contract-child.ts';
import { ask, kill, startChild } from './contract-children.ts';

/** A listener and what it was told, which can be awaited. */
function listening() {
  const told: (string | undefined)[] = [];
  let arrived = Promise.withResolvers<void>();
  return {
    told,
    listener(key: string | undefined) {
      told.push(key);
      arrived.resolve();
      arrived = Promise.withResolvers();
    },
    next: () => arrived.promise,
  };
}

export function describeWakeUps(open: (options?: object) => ReturnType<OpenForContract>): void {
  describe('wake-ups', () => {
    it('reach those who subscribed to the topic, with the key, and nobody else', async () => {
      const { store } = await open();
      const one = listening();
      const other = listening();
      store.subscribe('qr', one.listener);
      store.subscribe('clients', other.listener);

      const arrived = one.next();
      store.notify('qr', 'transaction-1');
      await arrived;

      expect(one.told).toEqual(['transaction-1']);
      expect(other.told).toEqual([]);
    });

    it('end with the subscription, which ends once', async () => {
      const { store } = await open();
      const ended = listening();
      const kept = listening();
      const end = store.subscribe('qr', ended.listener);
      store.subscribe('qr', kept.listener);
      end();
      end();

      const arrived = kept.next();
      store.notify('qr', 'a');
      await arrived;

      expect(ended.told).toEqual([]);
      expect(kept.told).toEqual(['a']);
    });

    it('never make the one who says them wait or fail', async () => {
      const { store } = await open();
      const heard = listening();
      store.subscribe('qr', heard.listener);

      const arrived = heard.next();
      expect(store.notify('qr', 'a')).toBeUndefined();
      expect(heard.told).toEqual([]);
      await arrived;

      await store.close();
      expect(() => store.notify('qr', 'b')).not.toThrow();
    });

    it('reach other processes on the same store, with the key', async (context) => {
      const { store, address } = await open();
      if (address === undefined) return context.skip('only one process can use this store');
      const child = await startChild(address);
      const heard = listening();
      store.subscribe('qr', heard.listener);

      await ask(child, { kind: 'notify', topic: 'qr', key: 'from the child', everyMs: 100 });

      while (!heard.told.includes('from the child')) await heard.next();
      await kill(child);
    });

    it('are heard by other processes on the same store, with the key', async (context) => {
      const { store, address } = await open();
      if (address === undefined) return context.skip('only one process can use this store');
      const child = await startChild(address);
      await ask(child, { kind: 'listen', topic: 'qr' });
      const woken: (string | undefined)[] = [];
      child.on('message', (report: Report) => {
        if (report.kind === 'woken') woken.push(report.key);
      });

      await vi.waitFor(
        () => {
          store.notify('qr', 'from the parent');
          expect(woken).toContain('from the parent');
        },
        { timeout: 15_000, interval: 100 },
      );
      await kill(child);
    });
  });
}
