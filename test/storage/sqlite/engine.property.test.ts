import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordType } from '../../../src/storage/record-type.ts';
import { MEMORY, openWritable } from '../../../src/storage/sqlite/database.ts';
import { Engine } from '../../../src/storage/sqlite/engine.ts';
import { type Answer, commitJob } from '../../../src/storage/sqlite/job.ts';
import { Reader } from '../../../src/storage/sqlite/reader.ts';
import { prepareSchema } from '../../../src/storage/sqlite/schema.ts';
import { tableOf } from '../../../src/storage/sqlite/table.ts';
import type { Condition, FieldChange, Write } from '../../../src/storage/store.ts';
import { StoreModel } from './store-model.ts';

interface Item {
  login?: unknown;
  group?: unknown;
  rank?: unknown;
  until?: unknown;
  box?: unknown;
}

const items = recordType<Item>('item', {
  unique: ['login'],
  indexes: { group: { field: 'group', orderBy: 'rank' } },
  expiresAt: 'until',
});

// Few ids, values and moments, so that writes meet each other often.
const id = fc.constantFrom('a', 'b', 'c', 'd');
const login = fc.constantFrom('ann', 'bob', '\ud800', 7);
const until = fc.constantFrom(5, 10, 15, 20, null);
const json = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('x', null, true, '__proto__'));
const box = fc.dictionary(fc.constantFrom('a', '__proto__', 'constructor'), json, { noNullPrototype: true });
const body = fc.record(
  { login, group: fc.constantFrom('red', 'blue'), rank: fc.constantFrom(1, 2, 'high'), until, box },
  { requiredKeys: [] },
);

const path = fc.oneof(
  fc.constantFrom(['login'], ['group'], ['rank'], ['until'], ['box']),
  fc.tuple(fc.constant('box'), fc.constantFrom('a', '__proto__', 'constructor')),
  fc.tuple(fc.constant('box'), fc.constantFrom('a', '__proto__'), fc.constantFrom('b', 'toString')),
);
const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ path, is: fc.oneof(json, fc.constantFrom('red', 'ann', 10)) }),
  fc.record({ path, absent: fc.constant(true as const) }),
  fc.record({ path, present: fc.constant(true as const) }),
  fc.record({ path, above: fc.integer({ min: 0, max: 12 }) }),
  fc.record({ path, atMost: fc.integer({ min: 0, max: 12 }) }),
);
const when = fc.array(condition, { maxLength: 2 });
const change: fc.Arbitrary<FieldChange> = fc.oneof(
  fc.tuple(path, fc.oneof(json, fc.constant(undefined), box)),
  fc.tuple(fc.constant(['login']), login),
  fc.tuple(fc.constant(['until']), until),
);

const type = fc.constant(items);
const write: fc.Arbitrary<Write> = fc.oneof(
  fc.record({ kind: fc.constant('insert' as const), type, id, body }),
  fc.record({ kind: fc.constant('put' as const), type, id, body }),
  fc.record({ kind: fc.constant('patch' as const), type, id, when, set: fc.array(change, { maxLength: 3 }) }),
  fc.record({ kind: fc.constant('remove' as const), type, id, when }),
  fc.record({ kind: fc.constant('check' as const), type, id, when }),
);
const commit = fc.uniqueArray(write, { maxLength: 4, selector: (each) => each.id });
const batch = fc.record({
  commits: fc.array(commit, { maxLength: 6 }),
  passes: fc.integer({ min: 0, max: 6 }),
  sweep: fc.boolean(),
});

describe('the engine', () => {
  it('answers and stores as the model does, over any history of commits', () => {
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 8 }), (batches) => {
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
          for (const group of ['red', 'blue']) {
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
