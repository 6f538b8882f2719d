// The callers' side of the writer: collects the jobs of one turn of the event loop into a batch, bounds how
// many and how much wait (I12), and hands each its answer. Batches are answered in the order in which they were handed over.

import type { Clock } from '../../core/clock.ts';
import { DomainError } from '../../core/errors.ts';
import { type Answer, type Batch, bytesOf, type Job } from './job.ts';

interface Waiting {
  readonly job: Job;
  readonly bytes: number;
  settle(answer: Answer | DomainError): void;
}

interface WriteQueueOptions {
  readonly clock: Clock;
  /** Jobs that may wait at once; more are refused as `overloaded`. */
  readonly waitingMax: number;
  /** Bytes of JSON text in them, likewise. One job may have more, if it is alone. */
  readonly waitingBytesMax: number;
  /** Hands a batch to the engine, which answers by `settle`. */
  send(batch: Batch): void;
}

export class WriteQueue {
  readonly #options: WriteQueueOptions;
  #collected: Waiting[] = [];
  #sent: Waiting[] = [];
  /** Of all that wait. */
  #bytes = 0;
  /** Why no more jobs are taken. */
  #ended: DomainError | undefined;
  #emptied: (() => void) | undefined;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  submit(job: Job): Promise<Answer> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const bytes = bytesOf(job);
    if (!this.#hasRoom(bytes)) return Promise.reject(overloaded());

    this.#bytes += bytes;
    return new Promise((resolve, reject) => {
      const settle = (answer: Answer | DomainError) =>
        answer instanceof DomainError ? reject(answer) : resolve(answer);
      this.#collected.push({ job, bytes, settle });
      if (this.#collected.length === 1) setImmediate(() => this.#flush());
    });
  }

  /** The answers to the jobs that have waited longest. */
  settle(answers: readonly Answer[]): void {
    const answered = this.#sent.splice(0, answers.length);
    for (const { bytes } of answered) this.#bytes -= bytes;
    for (const [index, answer] of answers.entries()) answered[index]?.settle(answer);
    if (this.#waiting === 0) this.#emptied?.();
  }

  /** Takes no more jobs; resolves when the last one that was taken has its answer. */
  async drain(): Promise<void> {
    this.#ended ??= new DomainError('store_unavailable', { detail: 'the store is closed' });
    if (this.#waiting === 0) return;
    await new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
  }

  /** Fails all that wait, and every later job. */
  fail(error: DomainError): void {
    this.#ended = error;
    const failed = [...this.#sent, ...this.#collected];
    this.#sent = [];
    this.#collected = [];
    for (const waiting of failed) waiting.settle(error);
    this.#emptied?.();
  }

  #hasRoom(bytes: number): boolean {
    const { waitingMax, waitingBytesMax } = this.#options;
    if (this.#waiting >= waitingMax) return false;
    return this.#waiting === 0 || this.#bytes + bytes <= waitingBytesMax;
  }

  get #waiting(): number {
    return this.#sent.length + this.#collected.length;
  }

  #flush(): void {
    const collected = this.#collected;
    if (collected.length === 0) return;

    this.#collected = [];
    this.#sent.push(...collected);
    this.#options.send({ now: this.#options.clock.now(), jobs: collected.map(({ job }) => job) });
  }
}

function overloaded(): DomainError {
  return new DomainError('overloaded', { detail: 'too many commits are waiting', retryAfterSeconds: 1 });
}
