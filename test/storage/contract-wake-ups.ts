import { describe, expect, it } from 'vitest';
import type { OpenForContract } from './contract.ts';

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
  });
}
