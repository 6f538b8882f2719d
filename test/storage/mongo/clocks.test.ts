// Processes on machines whose clocks are minutes apart, on one database: they agree on what has expired, since
// all of them go by the time of the server.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openStore } from '../../../src/storage/open.ts';
import { insert, type Store } from '../../../src/storage/store.ts';
import { describeMongo, type FreshDatabase, preparedDatabase } from '../../support/mongo.ts';
import { contractTypes, things } from '../contract-types.ts';
import type { ClockAnswer, ClockTask } from './clock-child.ts';

const MINUTE_MS = 60_000;
/** What a busy machine may take to answer a question about the time. */
const TOLERANCE_MS = 10_000;

const ids = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}-${n}`);

describeMongo('processes whose clocks are ten minutes apart', () => {
  const children: ChildProcess[] = [];
  let database: FreshDatabase;
  let store: Store;
  let ahead: ChildProcess;
  let behind: ChildProcess;

  beforeAll(async () => {
    database = await preparedDatabase(contractTypes);
    store = await openStore({ url: database.url, dataDir: '', types: contractTypes });
    [ahead, behind] = await Promise.all([off(5 * MINUTE_MS), off(-5 * MINUTE_MS)]);
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await store.close();
    await database.drop();
  });

  async function off(shiftMs: number): Promise<ChildProcess> {
    const child = fork(new URL('./clock-child.ts', import.meta.url), [database.url], {
      execArgv: ['--import', new URL('../../support/shifted-clock.ts', import.meta.url).href],
      env: { ...process.env, SHIFT_CLOCK_MS: String(shiftMs) },
    });
    children.push(child);
    await once(child, 'message');
    return child;
  }

  async function ask(child: ChildProcess, task: ClockTask): Promise<ClockAnswer> {
    child.send(task);
    const [answer]: ClockAnswer[] = await once(child, 'message');
    if (answer === undefined) throw new Error('the child told nothing');
    return answer;
  }

  function askBoth(task: ClockTask): Promise<[ClockAnswer, ClockAnswer]> {
    return Promise.all([ask(ahead, task), ask(behind, task)]);
  }

  it('have one time', async () => {
    const [early, late] = await askBoth({ kind: 'times' });

    expect(early.machine - late.machine).toBeGreaterThan(9 * MINUTE_MS);
    expect(Math.abs(early.store - late.store)).toBeLessThan(TOLERANCE_MS);
    expect(Math.abs(early.store - store.clock.now())).toBeLessThan(TOLERANCE_MS);
  });

  it('see what the other made as long as it lives, and no longer', async () => {
    await ask(ahead, { kind: 'insert', ids: ['of-ahead'], livesMs: MINUTE_MS });
    await ask(behind, { kind: 'insert', ids: ['of-behind'], livesMs: MINUTE_MS });
    const until = store.clock.now() - TOLERANCE_MS;
    await store.commit([insert(things, 'over', { until })]);

    const all = ['of-ahead', 'of-behind', 'over'];
    const [early, late] = await askBoth({ kind: 'live', ids: all });

    expect(early.ids).toEqual(['of-ahead', 'of-behind']);
    expect(late.ids).toEqual(['of-ahead', 'of-behind']);
  });

  it('see it expire at the same time', async () => {
    const until = store.clock.now() + 2_000;
    await store.commit([insert(things, 'brief', { until })]);

    const [early, late] = await Promise.all([ahead, behind].map(lastSeen));

    expect(Math.abs((early ?? 0) - until)).toBeLessThan(TOLERANCE_MS);
    expect(Math.abs((late ?? 0) - until)).toBeLessThan(TOLERANCE_MS);
  });

  /** By the time of this process, when the child saw the record no more. */
  function lastSeen(child: ChildProcess): Promise<number> {
    return vi.waitFor(
      async () => {
        expect((await ask(child, { kind: 'live', ids: ['brief'] })).ids).toEqual([]);
        return store.clock.now();
      },
      { timeout: 20_000, interval: 20 },
    );
  }

  it('have one winner for everything that is used once (I2)', async () => {
    const codes = ids('code', 60);
    await ask(ahead, { kind: 'insert', ids: codes.slice(0, 30), livesMs: MINUTE_MS });
    await ask(behind, { kind: 'insert', ids: codes.slice(30), livesMs: MINUTE_MS });

    const [early, late] = await askBoth({ kind: 'redeem', ids: codes });

    expect([...early.ids, ...late.ids].sort()).toEqual(codes.toSorted());
  });

  it('have none for what was over before', async () => {
    const codes = ids('late', 20);
    const until = store.clock.now() - TOLERANCE_MS;
    await store.commit(codes.map((id) => insert(things, id, { state: 'open', until })));

    const [early, late] = await askBoth({ kind: 'redeem', ids: codes });

    expect([...early.ids, ...late.ids]).toEqual([]);
  });
});
