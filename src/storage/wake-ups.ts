// Who in this process waits for which topic. Drivers pass on what other processes say.
import type { WakeUpListener } from './store.ts';

export class WakeUps {
  readonly #listeners = new Map<string, Set<WakeUpListener>>();

  subscribe(topic: string, listener: WakeUpListener): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set();
    // One set member each, so that a listener that subscribed twice is told twice and ended once.
    const entry: WakeUpListener = (key) => listener(key);
    this.#listeners.set(topic, listeners.add(entry));
    return () => {
      listeners.delete(entry);
      if (listeners.size === 0) this.#listeners.delete(topic);
    };
  }

  /** Listeners hear of it in a turn of their own, so that none holds up or fails who says it. */
  notify(topic: string, key: string | undefined): void {
    for (const listener of this.#listeners.get(topic) ?? []) queueMicrotask(() => listener(key));
  }

  /** Wakes everyone: wake-ups may have been lost. */
  missed(): void {
    for (const topic of this.#listeners.keys()) this.notify(topic, undefined);
  }

  /** Whether anyone waits for anything. */
  get isIdle(): boolean {
    return this.#listeners.size === 0;
  }
}
