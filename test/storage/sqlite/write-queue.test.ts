import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../src/core/errors.ts';
import type { Answer, Batch, Job } from '../../../src/storage/sqlite/job.ts';
import { WriteQueue } from '../../../src/storage/sqlite/write-queue.ts';

const job = (limit: number): Job => ({ kind: 'sweep', limit });
const swept = (count: number): Answer => ({ kind: 'swept', count });
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A queue whose engine answers when the test says so. */
function opened(waitingMax = 100) {
  const sent: Batch[] = [];
  const clock = { ms: 0, now: () => clock.ms };
  const queue = new WriteQueue({ clock, waitingMax, send: (batch) => sent.push(batch) });
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
    const { queue } = opened(2);

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
