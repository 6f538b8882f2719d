// Following one transaction as a stream of events: the present snapshot first, then whatever changes, until a
// final state or until the caller stops. Reads once per change and once per rotation, writes nothing.
import type { Refused } from './refusal.ts';
import { refused } from './refusal.ts';
import type { StreamEvent } from './stream-events.ts';
import { isFinal, streamEvents, trueForMs } from './stream-events.ts';
import type { QrSnapshot, ViewingDeps, ViewRequest } from './viewing.ts';
import { viewTransaction } from './viewing.ts';
import type { Waiters } from './waiting.ts';

export interface FollowingDeps extends ViewingDeps {
  readonly waiters: Waiters;
}

export interface FollowRequest extends Pick<ViewRequest, 'id' | 'access'> {
  /** Ends the stream: the client has gone, the server shuts down, or the stream is old enough. */
  readonly signal: AbortSignal;
}

export interface Following {
  readonly kind: 'following';
  readonly events: AsyncIterable<StreamEvent>;
}

/** A client that is told to poll instead may try a stream again after this. */
const FULL_RETRY_MS = 60_000;

export async function followTransaction(
  deps: FollowingDeps,
  request: FollowRequest,
): Promise<Following | Refused> {
  const first = await viewTransaction(deps, request);
  if (first.kind === 'refused') return first;

  const bell = createBell(request.signal);
  const unsubscribe = deps.waiters.subscribe(request.id, bell.ring);
  if (!unsubscribe) return refused({ code: 'too_many', retryAfterMs: FULL_RETRY_MS });

  // Also where the caller never begins to read.
  request.signal.addEventListener('abort', unsubscribe, { once: true });
  return { kind: 'following', events: eventsFrom(deps, request, { bell, unsubscribe }) };
}

/** Looks anew at the beginning, as the transaction may have moved before the subscription. */
async function* eventsFrom(
  deps: FollowingDeps,
  request: FollowRequest,
  { bell, unsubscribe }: { bell: Bell; unsubscribe: () => void },
): AsyncGenerator<StreamEvent, void, void> {
  let previous: QrSnapshot | undefined;
  try {
    while (!request.signal.aborted) {
      bell.reset();
      const snapshot = await viewTransaction(deps, request);
      if (snapshot.kind === 'refused') return;

      yield* streamEvents(snapshot, previous);
      if (isFinal(snapshot)) return;

      previous = snapshot;
      await bell.rung(trueForMs(snapshot));
    }
  } finally {
    request.signal.removeEventListener('abort', unsubscribe);
    unsubscribe();
  }
}

interface Bell {
  ring(): void;
  reset(): void;
  /** Resolves when it has been rung since the reset, when the signal aborts, or after `timeoutMs`. */
  rung(timeoutMs: number): Promise<void>;
}

function createBell(signal: AbortSignal): Bell {
  let ringing = Promise.withResolvers<void>();
  const ring = () => ringing.resolve();
  signal.addEventListener('abort', ring, { once: true });

  async function rung(timeoutMs: number): Promise<void> {
    const timeout = setTimeout(ring, timeoutMs);
    await ringing.promise;
    clearTimeout(timeout);
  }

  function reset(): void {
    ringing = Promise.withResolvers<void>();
  }

  return { ring, rung, reset };
}
