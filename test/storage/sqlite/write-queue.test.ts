import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../src/core/errors.ts';
import { type Answer, type Batch, bytesOf, commitJob, type Job } from '../../../src/storage/sqlite/job.ts';
import { WriteQueue } from '../../../src/storage/sqlite/write-queue.ts';
import { insert } from '../../../src/storage/store.ts';
import { notes } from '../contract-types.ts';

const job = (limit: number): Job => ({ kind: 'sweep', limit });
const swept = (count: number): Answer => ({ kind: 'swept', count });
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A queue whose engine answers when the test says so. */
function opened({ waitingMax = 100, waitingBytesMax = 1000 } = {}) {
  const sent: Batch[] = [];
  const clock = { ms: 0, now: () => clock.ms };
  const limits = { waitingMax, waitingBytesMax };
  const queue = new WriteQueue({ clock, ...limits, send: (batch) => sent.push(batch) });
  return { queue, sent, clock };
}

describe('WriteQueue', () => {
  it('hands over the jobs of one turn together, with the time of that moment', async () => {
    const { queue, sent, clock } = opened();

    const answers = [queue.submit(job(1)), queue.submit(job(2))];
    clock.ms = 5;
    await turn();
    answers.push(queue.submit(job(3)));
    await turn();

    expect(sent).toEqual([
      { now: 5, jobs: [job(1), job(2)] },
      { now: 5, jobs: [job(3)] },
    ]);
    queue.settle([swept(1), swept(2), swept(3)]);
    expect(await Promise.all(answers)).toEqual([swept(1), swept(2), swept(3)]);
  });

  it('has room again for each job that is answered', async () => {
    const { queue } = opened({ waitingMax: 2 });

    const waiting = [queue.submit(job(1)), queue.submit(job(2))];
    await turn();
    await expect(queue.submit(job(3))).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 });
    queue.settle([swept(1)]);
    waiting.push(queue.submit(job(4)));
    await expect(queue.submit(job(5))).rejects.toMatchObject({ code: 'overloaded' });

    await turn();
    queue.settle([swept(2), swept(4)]);
    expect(await Promise.all(waiting)).toEqual([swept(1), swept(2), swept(4)]);
  });

  it('refuses more text than may wait, counted in bytes, until what waits is answered', async () => {
    const { queue } = opened({ waitingBytesMax: 100 });
    const text = (bytes: number) => commitJob([insert(notes, '', { text: 'é'.repeat((bytes - 11) / 2) })]);
    expect(bytesOf(text(51))).toBe(51);

    const waiting = [queue.submit(text(51)), queue.submit(text(49))];
    await expect(queue.submit(text(13))).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 });
    await turn();
    await expect(queue.submit(text(13))).rejects.toMatchObject({ code: 'overloaded' });
    queue.settle([swept(1)]);
    waiting.push(queue.submit(text(51)));

    await turn();
    queue.settle([swept(2), swept(3)]);
    expect(await Promise.all(waiting)).toEqual([swept(1), swept(2), swept(3)]);
  });

  it('takes one job of any length where nothing else waits', async () => {
    const { queue } = opened({ waitingBytesMax: 10 });
    const long = commitJob([insert(notes, 'a', { text: 'x'.repeat(100) })]);

    const taken = queue.submit(long);
    await expect(queue.submit(long)).rejects.toMatchObject({ code: 'overloaded' });
    await turn();
    queue.settle([swept(1)]);

    expect(await taken).toEqual(swept(1));
  });

  it('fails what was collected and what was handed over alike', async () => {
    const { queue, sent } = opened();
    const error = new DomainError('store_unavailable', { detail: 'the end' });

    const handedOver = queue.submit(job(1));
    await turn();
    const collected = queue.submit(job(2));
    const settled = Promise.allSettled([handedOver, collected]);
    queue.fail(error);
    await turn();

    expect(await settled).toEqual([
      { status: 'rejected', reason: error },
      { status: 'rejected', reason: error },
    ]);
    await expect(queue.submit(job(3))).rejects.toBe(error);
    expect(sent).toHaveLength(1);
    await queue.drain();
  });
});
