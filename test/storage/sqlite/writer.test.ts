import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Worker } from 'node:worker_threads';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openStore } from '../../../src/storage/open.ts';
import { insert, type Store } from '../../../src/storage/store.ts';
import { testClock } from '../../support/test-clock.ts';
import { contractTypes, things } from '../contract-types.ts';

// Node's own Worker, remembered so that a test can end it the way a crash would.
const threads = vi.hoisted((): Worker[] => []);
vi.mock('node:worker_threads', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:worker_threads')>();
  return {
    ...original,
    Worker: class extends original.Worker {
      constructor(...settings: ConstructorParameters<typeof Worker>) {
        super(...settings);
        threads.push(this);
      }
    },
  };
});

let dataDir: string;

beforeEach(async () => {
  threads.length = 0;
  dataDir = await mkdtemp(join(tmpdir(), 'strata-'));
  return () => rm(dataDir, { recursive: true });
});

async function opened(
  options: { busyTimeoutMs?: number; waitingBytesMax?: number; onFatal?: (error: unknown) => void } = {},
): Promise<Store> {
  const address = { url: 'sqlite:strata.db', dataDir };
  const store = await openStore({ ...address, clock: testClock(), types: contractTypes, ...options });
  onTestFinished(() => store.close());
  return store;
}

describe('the writer thread', () => {
  it('fails all that wait and all that comes when it is lost, and says so once', async () => {
    const onFatal = vi.fn();
    const store = await opened({ onFatal });
    await store.commit([insert(things, 'before', {})]);

    const waiting = Array.from({ length: 20 }, (_, n) => store.commit([insert(things, `t${n}`, {})]));
    const settled = Promise.allSettled(waiting);
    await threads[0]?.terminate();

    for (const each of await settled) expect(each).toMatchObject({ reason: { code: 'store_unavailable' } });
    await expect(store.commit([insert(things, 'after', {})])).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    expect(onFatal).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'store_unavailable' }));
    expect(await store.get(things, 'before')).toEqual({});
  });

  it('is not missed when the store is closed', async () => {
    const onFatal = vi.fn();
    const store = await opened({ onFatal });

    await store.close();

    expect(onFatal).not.toHaveBeenCalled();
  });

  it('waits for another process that writes, and gives up in time', async () => {
    const store = await opened({ busyTimeoutMs: 20 });
    const other = new DatabaseSync(join(dataDir, 'strata.db'));
    onTestFinished(() => other.close());

    other.exec('BEGIN IMMEDIATE');
    const refused = store.commit([insert(things, 'a', {})]);
    await expect(refused).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: expect.stringContaining('locked'),
    });

    other.exec('ROLLBACK');
    expect(await store.commit([insert(things, 'a', {})])).toEqual({ committed: true });
  });

  it('is handed no more text at once than may wait', async () => {
    const store = await opened({ waitingBytesMax: 4_000_000 });

    const attempts = Array.from({ length: 6 }, (_, n) =>
      store.commit([insert(things, `t${n}`, { state: 'x'.repeat(999_000) })]),
    );
    const settled = await Promise.allSettled(attempts);

    expect(settled.map(({ status }) => status)).toEqual([
      ...Array(4).fill('fulfilled'),
      ...Array(2).fill('rejected'),
    ]);
    expect(settled[5]).toMatchObject({ reason: { code: 'overloaded', retryAfterSeconds: 1 } });
    expect(await store.commit([insert(things, 't5', {})])).toEqual({ committed: true });
  });

  it('commits what several turns of the event loop asked for, in their order', async () => {
    const store = await opened();

    const commits: Promise<unknown>[] = [];
    for (let n = 0; n < 600; n += 1) {
      commits.push(store.commit([insert(things, `t${n}`, { group: 'g', rank: n })]));
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(commits);

    const { records } = await store.list(things, 'group', 'g', { limit: 1000 });
    expect(records).toHaveLength(600);
  });
});
