// Wake-ups of other processes by a change stream. It holds one connection and tells of each within milliseconds.
import { setTimeout } from 'node:timers/promises';
import {
  type ChangeStream,
  type ChangeStreamInsertDocument,
  type Collection,
  MongoServerError,
  type ResumeToken,
} from 'mongodb';
import type { WakeUpDocument, WakeUpSink } from './wake-ups-collection.ts';

/** How long the server holds an answer back in which there is nothing new. */
const AWAIT_MS = 1_000;
/** Between one stream that broke and the next one. */
const PAUSE_MS = 200;
const PAUSE_MAX_MS = 5_000;

type Insert = ChangeStreamInsertDocument<WakeUpDocument>;

export interface FeedOptions {
  readonly collection: Collection<WakeUpDocument>;
  /** Whose own wake-ups are left out. */
  readonly from: string;
  readonly sink: WakeUpSink;
  readonly signal: AbortSignal;
}

/**
 * Follows the changes until the signal is aborted, or until the server refuses a stream that begins anew. One
 * that broke goes on where it was; where the server has forgotten that place it begins anew, and what was said
 * in between counts as missed.
 */
export async function followChanges(options: FeedOptions): Promise<void> {
  let from: ResumeToken | undefined;
  let pauseMs = PAUSE_MS;
  for (;;) {
    const ended = await followOne(options, from);
    if (options.signal.aborted) return;
    if (ended.isRefused && ended.resumeToken === undefined) return;

    from = ended.isRefused ? undefined : ended.resumeToken;
    pauseMs = ended.wasOpen ? PAUSE_MS : Math.min(pauseMs * 2, PAUSE_MAX_MS);
    await pause(pauseMs, options.signal);
  }
}

interface Ended {
  /** Where the stream was. */
  readonly resumeToken: ResumeToken | undefined;
  readonly wasOpen: boolean;
  /** The server itself said no before the stream was open, and not the network. */
  readonly isRefused: boolean;
}

async function followOne(options: FeedOptions, resumeToken: ResumeToken | undefined): Promise<Ended> {
  const { collection, from, sink, signal } = options;
  const insertsOfOthers = { operationType: 'insert', 'fullDocument.from': { $ne: from } };
  const stream = collection.watch<WakeUpDocument, Insert>([{ $match: insertsOfOthers }], {
    maxAwaitTimeMS: AWAIT_MS,
    ...(resumeToken !== undefined && { resumeAfter: resumeToken }),
  });
  const close = () => void stream.close().catch(() => undefined);
  signal.addEventListener('abort', close, { once: true });
  let wasOpen = false;
  stream.once('resumeTokenChanged', () => {
    wasOpen = true;
    if (resumeToken === undefined) sink.missed();
  });

  const error = await drain(stream, options);
  signal.removeEventListener('abort', close);
  close();
  return {
    resumeToken: stream.resumeToken ?? resumeToken,
    wasOpen,
    isRefused: !wasOpen && error instanceof MongoServerError,
  };
}

/** Reads the stream to its end; what it ended with, if anything. */
async function drain(
  stream: ChangeStream<WakeUpDocument, Insert>,
  { sink, signal }: FeedOptions,
): Promise<unknown> {
  try {
    while (!signal.aborted && !stream.closed) {
      const change = await stream.tryNext();
      if (change !== null) sink.heard(change.fullDocument);
    }
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Ends early where the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
