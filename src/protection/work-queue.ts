// A bound on work: so many pieces at once, so many waiting, and beyond that an honest "not now". Without it
// a burst of sign-ins would hold memory and threads that everything else needs (I9, I12).
import { DomainError } from '../core/errors.ts';

export interface WorkQueue {
  /**
   * Runs the work when its turn comes, first come first served. Throws `DomainError` with `overloaded` at once
   * when as many wait as may.
   */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Throws what `run` would throw now, for callers that do not wait for the work. */
  refuseIfFull(): void;
}

export interface WorkQueueOptions {
  /** Pieces at once. */
  readonly parallel: number;
  /** Pieces that may wait for their turn. */
  readonly queueMax: number;
  /** What the refused are told. */
  readonly retryAfterSeconds: number;
  /** What the work is, for the log. */
  readonly name: string;
}

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const waiting: (() => void)[] = [];
  let running = 0;

  function refuseIfFull(): void {
    if (running >= options.parallel && waiting.length >= options.queueMax) throw fullOf(options);
  }

  async function turn(): Promise<void> {
    refuseIfFull();
    if (running < options.parallel) {
      running += 1;
      return;
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  }

  /** Hands the place to the next in line, so that nobody who comes now can overtake it. */
  function leave(): void {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }

  async function run<Result>(work: () => Promise<Result>): Promise<Result> {
    await turn();
    try {
      return await work();
    } finally {
      leave();
    }
  }

  return { run, refuseIfFull };
}

function fullOf({ name, retryAfterSeconds }: WorkQueueOptions): DomainError {
  return new DomainError('overloaded', { detail: `the queue for ${name} is full`, retryAfterSeconds });
}
