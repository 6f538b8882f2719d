// Server-sent events on the wire (HTML standard, §9.2). A comment now and then keeps proxies from taking a
// quiet stream for a dead one.
import type { Context } from 'koa';

export interface WireEvent {
  readonly id: string;
  readonly event: string;
  /** Written as JSON, which has no line breaks. */
  readonly data: object;
}

export interface StreamTiming {
  /** How long a client that lost its stream waits before it comes back, in ms. */
  readonly retryMs: number;
  /** Longest silence, in ms. */
  readonly heartbeatMs: number;
}

/** The text of a stream: events as they come, heartbeats between them. Ends when the events do. */
export async function* eventStream(
  events: AsyncIterable<WireEvent>,
  { retryMs, heartbeatMs }: StreamTiming,
): AsyncGenerator<string, void, void> {
  yield `retry: ${Math.round(retryMs)}\n\n`;
  const iterator = events[Symbol.asyncIterator]();
  try {
    let next = iterator.next();
    while (true) {
      const arrival = await within(heartbeatMs, next);
      if (arrival?.done) return;

      yield arrival ? eventText(arrival.value) : ':\n\n';
      if (arrival) next = iterator.next();
    }
  } finally {
    // Not awaited: an iterator that waits for its next event finishes when its own signal says so.
    void iterator.return?.();
  }
}

/**
 * Aborts when the client goes away, when the server shuts down, and after `lifeMs`. Nothing of it is left
 * once the response is over.
 */
export function responseSignal(ctx: Context, shutdown: AbortSignal, lifeMs: number): AbortSignal {
  const over = new AbortController();
  const end = () => over.abort();
  const timeout = setTimeout(end, lifeMs);
  shutdown.addEventListener('abort', end);
  ctx.res.once('close', () => {
    clearTimeout(timeout);
    shutdown.removeEventListener('abort', end);
    end();
  });
  if (shutdown.aborted) end();
  return over.signal;
}

function eventText({ id, event, data }: WireEvent): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** What the promise resolves to, or undefined where that takes longer. */
async function within<Value>(ms: number, promise: Promise<Value>): Promise<Value | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timeout = setTimeout(resolve, ms, undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timeout);
  }
}
