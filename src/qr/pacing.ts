// How often a grantee may poll (RFC 8628 §3.5). The first poll is never too early, one that is gets
// `slow_down` and 5 s more, but does not move the time that the next is measured from: else a client that
// polls a little too fast would hear nothing but `slow_down` for ever.
import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/clock.ts';

export interface Pace {
  readonly intervalMs: number;
  /** When the last poll was let through. */
  readonly acceptedAt: number;
}

export interface PollJudgement {
  readonly accepted: boolean;
  readonly pace: Pace;
}

export interface Pacing {
  /** Counts one poll; `intervalMs` is what the client must keep from now on. */
  poll(key: string): { readonly accepted: boolean; readonly intervalMs: number };
}

const SLOWER_BY_MS = 5_000;
const INTERVAL_MAX_MS = 30_000;
/** Networks deliver two polls closer together than they were sent. */
const TOLERANCE = 0.2;
/** No transaction or device code lives longer than this without a poll. */
const FORGET_AFTER_MS = 30 * 60_000;

/** Whether a poll comes in time, and the pace from then on. */
export function judgePoll(pace: Pace | undefined, poll: { intervalMs: number; now: number }): PollJudgement {
  if (pace === undefined) {
    return { accepted: true, pace: { intervalMs: poll.intervalMs, acceptedAt: poll.now } };
  }
  if (poll.now - pace.acceptedAt >= pace.intervalMs * (1 - TOLERANCE)) {
    return { accepted: true, pace: { ...pace, acceptedAt: poll.now } };
  }
  const slower = Math.max(pace.intervalMs, Math.min(pace.intervalMs + SLOWER_BY_MS, INTERVAL_MAX_MS));
  return { accepted: false, pace: { ...pace, intervalMs: slower } };
}

/** Paces by key, in the memory of this process alone: a client that polls two processes is paced by each. */
export function createPacing(options: { clock: Clock; intervalMs: number; entriesMax: number }): Pacing {
  let paces: LRUCache<string, Pace> | undefined;

  function poll(key: string): { accepted: boolean; intervalMs: number } {
    // Made with the first poll, since room for all entries is taken at once.
    paces ??= new LRUCache({ max: options.entriesMax, ttl: FORGET_AFTER_MS, perf: options.clock });
    const judgement = judgePoll(paces.get(key), { intervalMs: options.intervalMs, now: options.clock.now() });
    paces.set(key, judgement.pace);
    return { accepted: judgement.accepted, intervalMs: judgement.pace.intervalMs };
  }

  return { poll };
}
