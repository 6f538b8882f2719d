import { describe, expect, it } from 'vitest';
import { DomainError } from '../../src/core/errors.ts';
import { createWorkQueue } from '../../src/protection/work-queue.ts';

const options = { name: 'tests', parallel: 2, queueMax: 3, retryAfterSeconds: 7 };

describe('createWorkQueue', () => {
  it('runs no more at once than it may, and in the order they came', async () => {
    const queue = createWorkQueue({ ...options, queueMax: 20 });
    const seen: number[] = [];
    let running = 0;
    let most = 0;
    const work = (n: number) => async () => {
      running += 1;
      most = Math.max(most, running);
      seen.push(n);
      await Promise.resolve();
      running -= 1;
      return n * 2;
    };

    const results = await Promise.all(Array.from({ length: 20 }, (_, n) => queue.run(work(n))));

    expect(most).toBe(2);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(results).toEqual(seen.map((n) => n * 2));
  });

  it('tells those beyond the queue at once to come back (I9, I12)', async () => {
    const queue = createWorkQueue(options);
    const { promise: gate, resolve: openGate } = Promise.withResolvers<void>();
    const admitted = Array.from({ length: 5 }, () => queue.run(() => gate));

    await expect(queue.run(() => gate)).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: 7 });
    expect(() => queue.refuseIfFull()).toThrow(DomainError);

    openGate();
    await Promise.all(admitted);
    expect(() => queue.refuseIfFull()).not.toThrow();
    await expect(queue.run(async () => 'again')).resolves.toBe('again');
  });

  it('gives a place that becomes free to who waits, not to who comes', async () => {
    const queue = createWorkQueue({ ...options, parallel: 1 });
    const started: string[] = [];
    const gates = new Map<string, () => void>();
    const work = (name: string) => () =>
      new Promise<void>((resolve) => {
        started.push(name);
        gates.set(name, resolve);
      });
    const first = queue.run(work('first'));
    const second = queue.run(work('second'));
    await Promise.resolve();

    gates.get('first')?.();
    await first;
    const third = queue.run(work('third'));
    await new Promise(setImmediate);

    expect(started).toEqual(['first', 'second']);
    gates.get('second')?.();
    await second;
    await new Promise(setImmediate);
    gates.get('third')?.();
    await third;
    expect(started).toEqual(['first', 'second', 'third']);
  });

  it('passes a failure on to its own caller alone and frees the place', async () => {
    const queue = createWorkQueue({ ...options, parallel: 1 });
    const failing = queue.run(async () => {
      throw new Error('this one');
    });
    const next = queue.run(async () => 'fine');

    await expect(failing).rejects.toThrow('this one');
    await expect(next).resolves.toBe('fine');
  });
});
