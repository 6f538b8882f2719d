import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MEMORY, openWritable } from '../../../src/storage/sqlite/database.ts';
import { Engine } from '../../../src/storage/sqlite/engine.ts';
import { type Answer, commitJob } from '../../../src/storage/sqlite/job.ts';
import { Reader } from '../../../src/storage/sqlite/reader.ts';
import { prepareSchema } from '../../../src/storage/sqlite/schema.ts';
import { tableOf } from '../../../src/storage/sqlite/table.ts';
import { groups, histories, items } from '../store-histories.ts';
import { StoreModel } from '../store-model.ts';

describe('the engine', () => {
  it('answers and stores as the model does, over any history of commits', () => {
    fc.assert(
      fc.property(histories({ ranks: 'anything', start: 0 }), (batches) => {
        const { engine, reader, table, close, clock } = opened();
        const model = new StoreModel({ unique: items.unique, expiresAt: 'until' });

        for (const { commits, passes, sweep } of batches) {
          clock.ms += passes;
          const now = clock.ms;
          const expected = commits.map((writes) => answerOf(model.commit(writes, now)));
          const answers = engine.run({ now, jobs: commits.map(commitJob) });
          expect(answers.map(withoutDetail)).toEqual(expected);
          if (sweep) engine.run({ now, jobs: [{ kind: 'sweep', limit: 100 }] });

          const living = model.living(now);
          const stored = reader.scan(table, { limit: 100 }).records;
          expect(JSON.stringify(stored)).toBe(JSON.stringify(living.map(([id, body]) => ({ id, body }))));
          for (const group of groups) {
            const listed = reader.list(table, 'group', group, { limit: 100 }).records;
            const inOrder = living.filter(([, each]) => each.group === group).sort(byRank);
            expect(JSON.stringify(listed)).toBe(JSON.stringify(inOrder.map(([, each]) => each)));
          }
          for (const [, each] of living) {
            if (typeof each.login !== 'string') continue;
            expect(JSON.stringify(reader.find(table, 'login', each.login))).toBe(JSON.stringify(each));
          }
        }
        close();
      }),
      { seed: 20260101, numRuns: 400 },
    );
  });
});

function opened() {
  const clock = { ms: 0, now: () => clock.ms };
  const db = openWritable({ path: MEMORY, busyTimeoutMs: 0 });
  const table = tableOf(items);
  const tables = new Map([[table.name, table]]);
  prepareSchema(db, { path: MEMORY, tables, now: 0 });
  const engine = new Engine(db, tables);
  return { engine, reader: new Reader(db, clock), table, clock, close: () => db.close() };
}

function answerOf(result: ReturnType<StoreModel['commit']>): unknown {
  if (result === 'broken') return { kind: 'failed' };
  const outcome = result === 'committed' ? { committed: true } : { committed: false, ...result };
  return { kind: 'outcome', outcome };
}

function withoutDetail(answer: Answer): unknown {
  return answer.kind === 'failed' ? { kind: 'failed' } : answer;
}

function byRank([, a]: [string, { rank?: unknown }], [, b]: [string, { rank?: unknown }]): number {
  const order = (rank: unknown) => (typeof rank === 'number' ? rank : Number.NEGATIVE_INFINITY);
  return order(a.rank) === order(b.rank) ? 0 : order(a.rank) - order(b.rank);
}
