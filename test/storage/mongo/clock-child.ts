// A process on a machine whose clock is wrong, with a store open; mongo/clocks.test.ts forks it.
import { openStore } from '../../../src/storage/open.ts';
import { insert, patch } from '../../../src/storage/store.ts';
import { contractTypes, things } from '../contract-types.ts';

/** What the parent asks for; each task has one answer. */
export type ClockTask =
  | { kind: 'times' }
  /** Makes records that expire so long from now, as this process sees it. */
  | { kind: 'insert'; ids: string[]; livesMs: number }
  /** Which of them are there. */
  | { kind: 'live'; ids: string[] }
  /** Which of them this process was the one to use. */
  | { kind: 'redeem'; ids: string[] };

export interface ClockAnswer {
  /** The wrong time of the machine, and that of the store. */
  machine: number;
  store: number;
  ids: string[];
}

const store = await openStore({ url: process.argv[2] ?? '', dataDir: '', types: contractTypes });

process.on('message', async (task: ClockTask) => {
  tell(await answer(task));
});
tell([]);

function tell(ids: string[]): void {
  const told: ClockAnswer = { machine: Date.now(), store: store.clock.now(), ids };
  process.send?.(told);
}

async function answer(task: ClockTask): Promise<string[]> {
  switch (task.kind) {
    case 'times':
      return [];
    case 'insert': {
      const until = store.clock.now() + task.livesMs;
      return chosen(task.ids, (id) => committed(insert(things, id, { state: 'open', until })));
    }
    case 'live':
      return chosen(task.ids, async (id) => (await store.get(things, id)) !== undefined);
    case 'redeem':
      return chosen(task.ids, (id) =>
        committed(patch(things, id, { when: [{ path: ['state'], is: 'open' }], set: [[['state'], 'used']] })),
      );
  }
}

async function committed(write: Parameters<typeof store.commit>[0][number]): Promise<boolean> {
  return (await store.commit([write])).committed;
}

async function chosen(ids: string[], choose: (id: string) => Promise<boolean>): Promise<string[]> {
  const choices = await Promise.all(ids.map(choose));
  return ids.filter((_, n) => choices[n]);
}
