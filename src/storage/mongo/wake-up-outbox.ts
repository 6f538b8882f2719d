// Wake-ups on their way to other processes. They are written one batch at a time, so that a flood of them
// takes one connection; what does not fit into the queue is dropped, since a wake-up is only ever a shortcut.
import { type AnyBulkWriteOperation, type Collection, ObjectId } from 'mongodb';
import { keyText } from '../key-text.ts';
import type { WakeUpDocument } from './wake-ups-collection.ts';

const WAITING_MAX = 1_000;
const BATCH_MAX = 100;

export interface Outgoing {
  readonly topic: string;
  readonly key: string;
}

export class WakeUpOutbox {
  readonly #collection: Collection<WakeUpDocument>;
  readonly #from: string;
  #waiting: Outgoing[] = [];
  #sending: Promise<void> | undefined;

  constructor(collection: Collection<WakeUpDocument>, from: string) {
    this.#collection = collection;
    this.#from = from;
  }

  push(wakeUp: Outgoing): void {
    if (this.#waiting.length >= WAITING_MAX) return;
    this.#waiting.push(wakeUp);
    this.#sending ??= this.#send();
  }

  /** Resolves when everything that was pushed is written or lost. */
  async drain(): Promise<void> {
    await this.#sending;
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH_MAX);
      this.#waiting = this.#waiting.slice(BATCH_MAX);
      await this.#write(batch).catch(() => undefined);
    }
    this.#sending = undefined;
  }

  async #write(batch: readonly Outgoing[]): Promise<void> {
    const writes = batch.map((wakeUp) => this.#writeOf(wakeUp));
    await this.#collection.bulkWrite(writes, { ordered: false, writeConcern: { w: 1 } });
  }

  /** An update that finds nothing, since only updates can have the server put in its time. */
  #writeOf({ topic, key }: Outgoing): AnyBulkWriteOperation<WakeUpDocument> {
    const update = {
      $set: { from: this.#from, topic, key: keyText(key) },
      $currentDate: { at: true as const },
    };
    return { updateOne: { filter: { _id: new ObjectId() }, update, upsert: true } };
  }
}
