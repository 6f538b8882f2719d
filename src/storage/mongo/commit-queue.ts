// How many commits are under way at once and how many may wait for their turn (I12). Without it a burst would
// wait for the driver's connections, of which reads need some too.
import { overloaded } from './failures.ts';

export class CommitQueue {
  readonly #atOnce: number;
  readonly #waitingMax: number;
  readonly #turns: (() => void)[] = [];
  #running = 0;

  constructor(limits: { atOnce: number; waitingMax: number }) {
    this.#atOnce = limits.atOnce;
    this.#waitingMax = limits.waitingMax;
  }

  /** Does the work when its turn has come; `overloaded` where too many wait already. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running + this.#turns.length >= this.#waitingMax)
      throw overloaded('too many commits are waiting');

    if (this.#running < this.#atOnce) this.#running += 1;
    else await new Promise<void>((resolve) => this.#turns.push(resolve));
    try {
      return await work();
    } finally {
      this.#passOn();
    }
  }

  /** Whoever has waited longest takes the place. */
  #passOn(): void {
    const next = this.#turns.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}
