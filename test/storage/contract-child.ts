// A process of its own that uses a store which others use at the same time; the contract's process tests fork it.
import assert from 'node:assert/strict';
import { acquireLease } from '../../src/storage/lease.ts';
import { openStore } from '../../src/storage/open.ts';
import { insert, patch, type Store } from '../../src/storage/store.ts';
import { contractTypes, things } from './contract-types.ts';

/** What the parent asks for. */
export type Task =
  | { kind: 'insert'; name: string; ids: string[] }
  | { kind: 'count'; times: number }
  | { kind: 'burst'; inFlight: number }
  | { kind: 'notify'; topic: string; key: string; everyMs: number }
  | { kind: 'listen'; topic: string }
  | { kind: 'hold'; lease: string; ttlMs: number };

/**
 * What the child tells: that it is ready, what it won, which of its commits was answered, that it has begun,
 * what it was woken with, or until when it holds the lease.
 */
export type Report =
  | { kind: 'ready' }
  | { kind: 'done'; won: string[] }
  | { kind: 'answered'; n: number }
  | { kind: 'begun' }
  | { kind: 'woken'; key: string | undefined }
  | { kind: 'held'; until: number | undefined };

const [url, dataDir] = process.argv.slice(2);
assert(url !== undefined && dataDir !== undefined, 'started with the address of a store');
const store = await openStore({ url, dataDir, types: contractTypes });

process.once('message', async (task: Task) => {
  if (task.kind === 'burst') return burst(store, task.inFlight);
  if (task.kind === 'notify') return notifyForEver(task);
  if (task.kind === 'listen') return listen(task.topic);
  if (task.kind === 'hold') return hold(task);

  const won = task.kind === 'insert' ? await insertAll(task) : await countUp(task.times);
  await store.close();
  tell({ kind: 'done', won });
  process.disconnect();
});
tell({ kind: 'ready' });

function tell(report: Report): void {
  process.send?.(report);
}

async function insertAll({ name, ids }: { name: string; ids: string[] }): Promise<string[]> {
  const outcomes = await Promise.all(ids.map((id) => store.commit([insert(things, id, { owner: name })])));
  return ids.filter((_, n) => outcomes[n]?.committed);
}

async function countUp(times: number): Promise<string[]> {
  for (let done = 0; done < times; ) {
    const count = (await store.get(things, 'counter'))?.count ?? 0;
    const next = patch(things, 'counter', {
      when: [{ path: ['count'], is: count }],
      set: [[['count'], count + 1]],
    });
    if ((await store.commit([next])).committed) done += 1;
  }
  return [];
}

/** Says the same again and again, since a wake-up may be lost on any store. */
function notifyForEver({ topic, key, everyMs }: { topic: string; key: string; everyMs: number }): void {
  setInterval(() => store.notify(topic, key), everyMs);
  tell({ kind: 'begun' });
}

function listen(topic: string): void {
  store.subscribe(topic, (key) => tell({ kind: 'woken', key }));
  tell({ kind: 'begun' });
}

/** Takes the lease and never lets go of it. */
async function hold({ lease, ttlMs }: { lease: string; ttlMs: number }): Promise<void> {
  const held = await acquireLease(store, lease, { ttlMs });
  tell({ kind: 'held', until: held?.until });
}

/** Commits pairs of records for ever, `inFlight` pairs at a time, and tells of each that was answered. */
async function burst(store: Store, inFlight: number): Promise<void> {
  let last = 0;
  async function line(): Promise<void> {
    for (;;) {
      last += 1;
      const n = last;
      await store.commit([
        insert(things, `left-${n}`, { count: n }),
        insert(things, `right-${n}`, { count: n }),
      ]);
      tell({ kind: 'answered', n });
    }
  }
  await Promise.all(Array.from({ length: inFlight }, line));
}
