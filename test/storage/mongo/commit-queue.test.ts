import { expect, it, onTestFinished, vi } from 'vitest';
import { CommitQueue } from '../../../src/storage/mongo/commit-queue.ts';

/** Work that goes on until it is told to end. */
function work() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let begun = false;
  return {
    run() {
      begun = true;
      return promise;
    },
    get begun() {
      return begun;
    },
    end: resolve,
    fail: reject,
  };
}

it('runs as much at once as it may, and the rest in the order in which it came', async () => {
  const queue = new CommitQueue({ atOnce: 2, waitingMax: 10, waitMaxMs: 60_000 });
  const works = [work(), work(), work(), work()];
  const results = works.map((each) => queue.run(each.run));
  const begun = () => works.map((each) => each.begun);

  expect(begun()).toEqual([true, true, false, false]);
  works[1]?.end('second');
  await results[1];
  await Promise.resolve();
  expect(begun()).toEqual([true, true, true, false]);
  works[0]?.end('first');
  works[2]?.end('third');
  works[3]?.end('fourth');

  expect(await Promise.all(results)).toEqual(['first', 'second', 'third', 'fourth']);
});

it('refuses what is too much as overloaded, counting what runs, and takes more when it has room', async () => {
  const queue = new CommitQueue({ atOnce: 1, waitingMax: 2, waitMaxMs: 60_000 });
  const [one, two, three] = [work(), work(), work()];
  const first = queue.run(one.run);
  const second = queue.run(two.run);

  await expect(queue.run(three.run)).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 });
  expect(three.begun).toBe(false);

  one.end('done');
  await first;
  const third = queue.run(three.run);
  two.end('done');
  three.end('done, too');
  expect(await Promise.all([second, third])).toEqual(['done', 'done, too']);
});

it('gives the turn of work that failed to the next', async () => {
  const queue = new CommitQueue({ atOnce: 1, waitingMax: 10, waitMaxMs: 60_000 });
  const [one, two] = [work(), work()];
  const first = queue.run(one.run);
  const second = queue.run(two.run);

  one.fail(new Error('failed'));
  await expect(first).rejects.toThrow('failed');
  two.end('done');

  expect(await second).toBe('done');
});

it('fails alone where the work throws before it has begun to wait', async () => {
  const queue = new CommitQueue({ atOnce: 1, waitingMax: 10, waitMaxMs: 60_000 });

  const failing = queue.run(() => {
    throw new Error('at once');
  });

  await expect(failing).rejects.toThrow('at once');
  expect(await queue.run(async () => 'next')).toBe('next');
});

it('refuses what has waited too long as overloaded, never begins it, and gives its turn to nobody (I12)', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const queue = new CommitQueue({ atOnce: 1, waitingMax: 3, waitMaxMs: 10_000 });
  const [one, two, three] = [work(), work(), work()];
  const first = queue.run(one.run);
  const second = queue.run(two.run);
  second.catch(() => undefined);
  vi.advanceTimersByTime(9_000);
  const third = queue.run(three.run);

  vi.advanceTimersByTime(1_000);
  await expect(second).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 });

  one.end('first');
  await first;
  three.end('third');
  expect(await third).toBe('third');
  expect(two.begun).toBe(false);
  vi.advanceTimersByTime(60_000);
  expect(await queue.run(async () => 'next')).toBe('next');
});
