// How many commits are under way at once and how many may wait for their turn (I12). Without it a burst would
// wait for the driver's connections, of which reads need some too. Nobody waits for ever either: while the database
// does not answer, each commit under way takes seconds to fail, and callers are long gone when their turn comes.
import { overloaded } from './failures.ts';

export class CommitQueue {
  readonly #atOnce: number;
  readonly #waitingMax: number;
  readonly #waitMaxMs: number;
  /** In the order in which they came. */
  readonly #turns = new Set<() => void>();
  #running = 0;

  constructor(limits: { atOnce: number; waitingMax: number; waitMaxMs: number }) {
    this.#atOnce = limits.atOnce;
    this.#waitingMax = limits.waitingMax;
    this.#waitMaxMs = limits.waitMaxMs;
  }

  /** Does the work when its turn has come; `overloaded` where too many wait already, or it does not come in time. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running + this.#turns.size >= this.#waitingMax)
      throw overloaded('too many commits are waiting');

    if (this.#running < this.#atOnce) this.#running += 1;
    else await this.#turn();
    try {
      return await work();
    } finally {
      this.#passOn();
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#turns.delete(begin);
        reject(overloaded('the commits before this one take too long'));
      }, this.#waitMaxMs);
      this.#turns.add(begin);
    });
  }

  /** Whoever has waited longest takes the place. */
  #passOn(): void {
    const [next] = this.#turns;
    if (next === undefined) {
      this.#running -= 1;
      return;
    }
    this.#turns.delete(next);
    next();
  }
}
