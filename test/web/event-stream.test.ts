import { EventEmitter } from 'node:events';
import type { Context } from 'koa';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { WireEvent } from '../../src/web/event-stream.ts';
import { eventStream, responseSignal } from '../../src/web/event-stream.ts';

const timing = { retryMs: 1500.4, heartbeatMs: 15_000 };

async function* listed(events: WireEvent[]): AsyncGenerator<WireEvent> {
  yield* events;
}

async function collected(stream: AsyncIterable<string>): Promise<string[]> {
  const texts: string[] = [];
  for await (const text of stream) texts.push(text);
  return texts;
}

afterEach(() => {
  vi.useRealTimers();
});

describe('eventStream', () => {
  it('writes how soon to come back, then each event, and ends with them', async () => {
    const events = [
      { id: '1', event: 'code', data: { qr_uri: 'https://id.example/q/m/x#y', text: 'two\nlines' } },
      { id: '2', event: 'approved', data: {} },
    ];

    const text = await collected(eventStream(listed(events), timing));

    expect(text).toEqual([
      'retry: 1500\n\n',
      'id: 1\nevent: code\ndata: {"qr_uri":"https://id.example/q/m/x#y","text":"two\\nlines"}\n\n',
      'id: 2\nevent: approved\ndata: {}\n\n',
    ]);
  });

  it('says a comment for each silence that is too long, and loses no event to it', async () => {
    vi.useFakeTimers();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    async function* late(): AsyncGenerator<WireEvent> {
      await released;
      yield { id: '1', event: 'scanned', data: {} };
    }
    const stream = eventStream(late(), timing);
    await stream.next();

    for (let count = 0; count < 2; count += 1) {
      const next = stream.next();
      await vi.advanceTimersByTimeAsync(15_000);
      expect(await next).toEqual({ done: false, value: ':\n\n' });
    }
    const next = stream.next();
    release();

    expect((await next).value).toMatch(/^id: 1\n/);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('passes on why the events broke off', async () => {
    // biome-ignore lint/correctness/useYield: it breaks before its first event
    async function* broken(): AsyncGenerator<WireEvent> {
      throw new Error('the store is away');
    }

    await expect(collected(eventStream(broken(), timing))).rejects.toThrow('the store is away');
  });

  it('ends the events when nobody reads on', async () => {
    const ended = vi.fn();
    async function* endless(): AsyncGenerator<WireEvent> {
      try {
        for (let id = 1; ; id += 1) yield { id: String(id), event: 'code', data: {} };
      } finally {
        ended();
      }
    }
    const stream = eventStream(endless(), timing);
    await stream.next();
    await stream.next();

    await stream.return();

    expect(ended).toHaveBeenCalledOnce();
  });
});

describe('responseSignal', () => {
  function response(): { ctx: Context; close: () => void } {
    const res = new EventEmitter();
    return { ctx: { res } as unknown as Context, close: () => void res.emit('close') };
  }

  it('aborts when the client goes away', () => {
    const { ctx, close } = response();
    const signal = responseSignal(ctx, new AbortController().signal, 60_000);
    expect(signal.aborted).toBe(false);

    close();

    expect(signal.aborted).toBe(true);
  });

  it('aborts at the shutdown, and at once where that has begun', () => {
    const shutdown = new AbortController();
    const { ctx, close } = response();
    const signal = responseSignal(ctx, shutdown.signal, 60_000);

    shutdown.abort();

    expect(signal.aborted).toBe(true);
    expect(responseSignal(response().ctx, shutdown.signal, 0).aborted).toBe(true);
    close();
  });

  it('aborts at the end of its life, and leaves no timer where it ended before', () => {
    vi.useFakeTimers();
    const { signal: shutdown } = new AbortController();
    const signal = responseSignal(response().ctx, shutdown, 300_000);
    const { ctx, close } = response();
    responseSignal(ctx, shutdown, 300_000);
    close();
    expect(vi.getTimerCount()).toBe(1);

    vi.advanceTimersByTime(300_000);

    expect(signal.aborted).toBe(true);
  });
});
