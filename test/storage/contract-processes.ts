import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { insert } from '../../src/storage/store.ts';
import type { OpenForContract } from './contract.ts';
import type { Report, Task } from './contract-child.ts';
import { ask, startChild } from './contract-children.ts';
import { things } from './contract-types.ts';

export function describeProcesses(open: (options?: object) => ReturnType<OpenForContract>): void {
  describe('several processes on one store', () => {
    it('have one winner for each id (I2)', async (context) => {
      const { store, address } = await open();
      if (address === undefined) return context.skip('only one process can use this store');
      const ids = Array.from({ length: 100 }, (_, n) => `prize-${n}`);

      const children = await Promise.all([1, 2, 3, 4].map(() => startChild(address)));
      const won = await Promise.all(
        children.map((child, n) => done(child, { kind: 'insert', name: `child-${n}`, ids })),
      );

      expect(won.flat().sort()).toEqual([...ids].sort());
      for (const [n, prizes] of won.entries()) {
        for (const id of prizes) expect(await store.get(things, id)).toEqual({ owner: `child-${n}` });
      }
    });

    it('lose no count that each takes on from the last', async (context) => {
      const { store, address } = await open();
      if (address === undefined) return context.skip('only one process can use this store');
      await store.commit([insert(things, 'counter', { count: 0 })]);

      const children = await Promise.all([1, 2, 3, 4].map(() => startChild(address)));
      await Promise.all(children.map((child) => done(child, { kind: 'count', times: 15 })));

      expect(await store.get(things, 'counter')).toEqual({ count: 60 });
    });
  });

  describe('a process that is killed', () => {
    it('leaves every commit that was answered, and none by half (I8)', async (context) => {
      const { store, reopen, address, damage } = await open();
      if (address === undefined || reopen === undefined)
        return context.skip('only one process can use this store');
      const child = await startChild(address);

      const answered = await killedInABurst(child);
      const again = await reopen();

      for (const n of answered) {
        expect(await again.get(things, `left-${n}`)).toEqual({ count: n });
        expect(await again.get(things, `right-${n}`)).toEqual({ count: n });
      }
      const last = Math.max(...answered);
      for (let n = 1; n <= last + 100; n += 1) {
        const pair = await Promise.all([again.get(things, `left-${n}`), again.get(things, `right-${n}`)]);
        expect(pair[0]).toEqual(pair[1]);
      }
      expect(damage?.() ?? []).toEqual([]);
      expect(await again.commit([insert(things, 'afterwards', {})])).toEqual({ committed: true });
      expect(store).not.toBe(again);
    });
  });
}

async function done(child: ChildProcess, task: Task): Promise<string[]> {
  const report = await ask(child, task);
  return report.kind === 'done' ? report.won : [];
}

/** Lets the child commit until 200 of its commits are answered, kills it and returns all that were. */
async function killedInABurst(child: ChildProcess): Promise<number[]> {
  const answered: number[] = [];
  child.on('message', (report: Report) => {
    if (report.kind === 'answered') answered.push(report.n);
    if (answered.length === 200) child.kill('SIGKILL');
  });
  child.send({ kind: 'burst', inFlight: 32 } satisfies Task);
  await once(child, 'close');
  return answered;
}
