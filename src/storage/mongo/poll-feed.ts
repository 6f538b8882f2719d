// Wake-ups of other processes by looking for them twice a second: for servers without change streams, and for
// sharded clusters, whose streams wait for the quietest shard, by default up to ten seconds.
import type { Collection } from 'mongodb';
import { type FeedOptions, pause } from './change-feed.ts';
import { WAKE_UP_LIFE_MS, type WakeUpDocument } from './wake-ups-collection.ts';

const POLL_EVERY_MS = 500;
/** Documents may become visible a little later than others with a later time. */
const OVERLAP_MS = 2_000;
const FOUND_MAX = 1_000;
/** After so long without an answer what was said at the beginning may be gone. */
const SILENCE_MAX_MS = WAKE_UP_LIFE_MS / 2;

/** What was found so far; going on from there misses nothing. */
interface Place {
  readonly at: Date;
  /** Those within the overlap, which will be found again. */
  readonly seen: ReadonlySet<string>;
}

export class PollFeed {
  readonly #options: FeedOptions;
  #place: Place | undefined;
  #answeredAt = performance.now();

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** Polls for so long, or until the signal is aborted. Later calls go on where the last one stopped. */
  async follow(forMs: number): Promise<void> {
    const { signal } = this.#options;
    const until = performance.now() + forMs;
    while (!signal.aborted && performance.now() < until) {
      // Whatever kept it from looking, the next look finds what this one would have.
      await this.#look().catch(() => undefined);
      await pause(POLL_EVERY_MS, signal);
    }
  }

  async #look(): Promise<void> {
    if (performance.now() - this.#answeredAt > SILENCE_MAX_MS) this.#place = undefined;
    await (this.#place === undefined ? this.#begin() : this.#goOn(this.#place));
    this.#answeredAt = performance.now();
  }

  /** Nobody knows what was said before. */
  async #begin(): Promise<void> {
    const { collection, sink } = this.#options;
    const newest = await collection.findOne({}, { sort: { at: -1 } });
    const at = newest?.at ?? new Date(0);
    this.#place = { at, seen: idsOf(await since(collection, at)) };
    sink.missed();
  }

  async #goOn({ at, seen }: Place): Promise<void> {
    const { collection, from, sink } = this.#options;
    const found = await since(collection, at);
    if (found.length === FOUND_MAX) return this.#begin();

    for (const wakeUp of found) {
      if (wakeUp.from !== from && !seen.has(wakeUp._id.toHexString())) sink.heard(wakeUp);
    }
    this.#place = { at: found.at(-1)?.at ?? at, seen: idsOf(found) };
  }
}

function since(collection: Collection<WakeUpDocument>, at: Date): Promise<WakeUpDocument[]> {
  const earliest = new Date(at.getTime() - OVERLAP_MS);
  return collection.find({ at: { $gt: earliest } }, { sort: { at: 1 }, limit: FOUND_MAX }).toArray();
}

function idsOf(wakeUps: readonly WakeUpDocument[]): Set<string> {
  return new Set(wakeUps.map(({ _id }) => _id.toHexString()));
}
