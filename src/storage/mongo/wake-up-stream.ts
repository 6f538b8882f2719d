// Wake-ups within this process and between all on the database. They shorten waits and are never the truth, so
// nothing here throws, and nobody waits for any of it.
import type { Collection, Db } from 'mongodb';
import { randomToken } from '../../core/secrets.ts';
import { keyValueOf } from '../key-text.ts';
import type { WakeUpListener } from '../store.ts';
import { WakeUps } from '../wake-ups.ts';
import { type FeedOptions, followChanges, pause } from './change-feed.ts';
import { PollFeed } from './poll-feed.ts';
import { WakeUpOutbox } from './wake-up-outbox.ts';
import { WAKE_UPS, type WakeUpDocument } from './wake-ups-collection.ts';

/** How others are listened to: by a change stream, with polls where there is none, or by polls alone. */
export type WakeUpFeed = 'stream' | 'poll';

/** How long is polled before a change stream is asked for again. */
const POLL_PHASE_MS = 60_000;
/** Time for the last wake-ups to be written, and for the listening to end, when the store closes. */
const LAST_WORDS_MS = 1_000;

export class SharedWakeUps {
  readonly #here = new WakeUps();
  readonly #collection: Collection<WakeUpDocument>;
  readonly #feed: WakeUpFeed;
  readonly #from = randomToken(12);
  readonly #outbox: WakeUpOutbox;
  readonly #ending = new AbortController();
  #following: Promise<void> | undefined;

  constructor(db: Db, feed: WakeUpFeed) {
    this.#collection = db.collection<WakeUpDocument>(WAKE_UPS);
    this.#feed = feed;
    this.#outbox = new WakeUpOutbox(this.#collection, this.#from);
  }

  notify(topic: string, key: string): void {
    this.#here.notify(topic, key);
    if (!this.#ending.signal.aborted) this.#outbox.push({ topic, key });
  }

  /** Others are heard from a moment after the first subscription; listeners are told when that begins. */
  subscribe(topic: string, listener: WakeUpListener): () => void {
    this.#following ??= this.#follow();
    return this.#here.subscribe(topic, listener);
  }

  async close(): Promise<void> {
    this.#ending.abort();
    const ended = new AbortController();
    const rest = Promise.all([this.#outbox.drain(), this.#following]);
    await Promise.race([rest, pause(LAST_WORDS_MS, ended.signal)]);
    ended.abort();
  }

  /** What a release writes that does not exist yet is none of ours. */
  #hear({ topic, key }: { topic?: unknown; key?: unknown }): void {
    if (typeof topic !== 'string' || typeof key !== 'string') return;
    const value = valueIfSpelt(key);
    if (value !== undefined) this.#here.notify(topic, value);
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ending;
    const options: FeedOptions = {
      collection: this.#collection,
      from: this.#from,
      sink: {
        heard: (document) => this.#hear(document),
        missed: () => this.#here.missed(),
      },
      signal,
    };
    const polls = new PollFeed(options);
    while (!signal.aborted) {
      // Whatever ends it, polls are as good until the next one.
      if (this.#feed === 'stream') await followChanges(options).catch(() => undefined);
      await polls.follow(POLL_PHASE_MS);
    }
  }
}

/** Undefined where it was not spelt by `keyText`. */
function valueIfSpelt(text: string): string | undefined {
  try {
    return keyValueOf(text);
  } catch {
    return undefined;
  }
}
