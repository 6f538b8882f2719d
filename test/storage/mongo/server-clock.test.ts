import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MEASURE_EVERY_MS } from '../../../src/core/clock.ts';
import { type ServerClock, serverClock } from '../../../src/storage/mongo/server-clock.ts';

const AHEAD_MS = 300_000;

/** A server elsewhere; asking it takes time, which passes here and there. */
function serverElsewhere() {
  const server = {
    aheadMs: AHEAD_MS,
    /** Milliseconds there and back, one pair for each question; the last one for all further. */
    trips: [[0, 0]] as [there: number, back: number][],
    asked: 0,
    now: () => performance.now() + server.aheadMs,
    async ask(): Promise<number> {
      server.asked += 1;
      const [there, back] = (server.trips.length > 1 ? server.trips.shift() : server.trips[0]) ?? [0, 0];
      vi.advanceTimersByTime(there);
      const answer = server.now();
      vi.advanceTimersByTime(back);
      return answer;
    },
  };
  return server;
}

describe('serverClock', () => {
  let clock: ServerClock | undefined;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
  });
  afterEach(() => {
    clock?.stop();
    vi.useRealTimers();
  });

  it('has the time of the server, whatever the way there and back takes', async () => {
    const server = serverElsewhere();
    server.trips = [[40, 40]];

    clock = await serverClock(server.ask);

    expect(clock.now()).toBe(server.now());
    vi.advanceTimersByTime(1_234);
    expect(clock.now()).toBe(server.now());
  });

  it('trusts the quickest of several answers', async () => {
    const server = serverElsewhere();
    server.trips = [
      [0, 400],
      [300, 0],
      [1, 3],
      [0, 900],
      [500, 0],
    ];

    clock = await serverClock(server.ask);

    expect(server.asked).toBe(5);
    expect(Math.abs(clock.now() - server.now())).toBeLessThanOrEqual(1);
  });

  it('follows the server, at once when that is ahead', async () => {
    const server = serverElsewhere();
    clock = await serverClock(server.ask);

    server.aheadMs += 5_000;
    expect(server.now() - clock.now()).toBe(5_000);
    await vi.advanceTimersByTimeAsync(MEASURE_EVERY_MS);

    expect(clock.now()).toBe(server.now());
  });

  it('waits for a server that fell behind, and never goes back (I14)', async () => {
    const server = serverElsewhere();
    clock = await serverClock(server.ask);
    server.aheadMs -= 5_000;
    const readings = [clock.now()];

    for (let seconds = 0; seconds < 120; seconds += 1) {
      await vi.advanceTimersByTimeAsync(1_000);
      readings.push(clock.now());
    }

    expect(readings).toEqual(readings.toSorted((one, other) => one - other));
    expect(clock.now()).toBe(server.now());
  });

  it('goes on by what it knew while the server does not answer', async () => {
    const server = serverElsewhere();
    const ask = vi.fn(server.ask);
    clock = await serverClock(ask);

    ask.mockRejectedValue(new Error('gone'));
    server.aheadMs += 5_000;
    await vi.advanceTimersByTimeAsync(3 * MEASURE_EVERY_MS);
    expect(server.now() - clock.now()).toBe(5_000);

    ask.mockImplementation(server.ask);
    await vi.advanceTimersByTimeAsync(MEASURE_EVERY_MS);
    expect(clock.now()).toBe(server.now());
  });

  it('does not believe answers that took long, and believes the next ones that did not', async () => {
    const server = serverElsewhere();
    clock = await serverClock(server.ask);

    server.trips = [[0, 4_000]];
    await vi.advanceTimersByTimeAsync(2 * MEASURE_EVERY_MS);
    expect(clock.now()).toBe(server.now());
    server.trips = [[4_000, 0]];
    await vi.advanceTimersByTimeAsync(2 * MEASURE_EVERY_MS);
    expect(clock.now()).toBe(server.now());

    server.aheadMs += 5_000;
    server.trips = [[2, 2]];
    await vi.advanceTimersByTimeAsync(2 * MEASURE_EVERY_MS);
    expect(clock.now()).toBe(server.now());
  });

  it('goes on where an answer has no time in it, and does not begin with one', async () => {
    const server = serverElsewhere();
    const ask = vi.fn(server.ask);
    clock = await serverClock(ask);

    ask.mockResolvedValue(Number.NaN);
    await vi.advanceTimersByTimeAsync(2 * MEASURE_EVERY_MS);

    expect(clock.now()).toBe(server.now());
    await expect(serverClock(ask)).rejects.toThrow('the server tells its time');
  });

  it('asks a server that takes its time no second question meanwhile', async () => {
    const server = serverElsewhere();
    const ask = vi.fn(server.ask);
    clock = await serverClock(ask);
    const answer = Promise.withResolvers<number>();
    ask.mockReset().mockReturnValue(answer.promise);

    await vi.advanceTimersByTimeAsync(5 * MEASURE_EVERY_MS);
    expect(ask).toHaveBeenCalledTimes(1);

    answer.resolve(server.now());
    await vi.advanceTimersByTimeAsync(MEASURE_EVERY_MS);
    expect(ask.mock.calls.length).toBeGreaterThan(1);
  });

  it('does not begin without the time', async () => {
    await expect(serverClock(() => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('asks no more once it was stopped, and goes on', async () => {
    const server = serverElsewhere();
    clock = await serverClock(server.ask);
    const asked = server.asked;

    clock.stop();
    await vi.advanceTimersByTimeAsync(2 * MEASURE_EVERY_MS);

    expect(server.asked).toBe(asked);
    expect(clock.now()).toBe(server.now());
  });
});
