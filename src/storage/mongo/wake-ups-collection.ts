// How wake-ups travel between processes: as documents that live five minutes and that everyone else reads.
import type { ObjectId } from 'mongodb';
import type { CollectionLayout } from './layout.ts';

export const WAKE_UPS = 'wake_ups';

/** How long a wake-up can be found by those who look for it. */
export const WAKE_UP_LIFE_MS = 300_000;

export interface WakeUpDocument {
  readonly _id: ObjectId;
  /** The server's own time, so that the clocks of those who write do not matter. */
  readonly at: Date;
  /** The open store that said it, which has told its own listeners already. */
  readonly from: string;
  readonly topic: string;
  /** As `keyText` spells it. */
  readonly key: string;
}

export const WAKE_UPS_LAYOUT: CollectionLayout = {
  name: WAKE_UPS,
  indexes: [{ name: 'expiry', key: { at: 1 }, expireAfterSeconds: WAKE_UP_LIFE_MS / 1000 }],
};

/** Where wake-ups that were found go to. */
export interface WakeUpSink {
  heard(wakeUp: WakeUpDocument): void;
  /** Some may never be heard of. */
  missed(): void;
}
