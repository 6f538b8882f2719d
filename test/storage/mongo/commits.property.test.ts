import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { applyChange, type Body, bodyOf, holds } from '../../../src/storage/body.ts';
import { encodedWrites } from '../../../src/storage/encoded-write.ts';
import { conditionFilter } from '../../../src/storage/mongo/filters.ts';
import type { RecordDocument } from '../../../src/storage/mongo/kind.ts';
import { recordType } from '../../../src/storage/record-type.ts';
import { type Condition, type FieldChange, patch, put } from '../../../src/storage/store.ts';
import { describeMongo } from '../../support/mongo.ts';
import { groups, histories, items } from '../store-histories.ts';
import { StoreModel } from '../store-model.ts';
import { type MonitoredStore, monitoredStore, START_MS } from './monitored-store.ts';

const things = recordType<Body>('thing');

const key = fc.constantFrom(
  'a',
  'b',
  '__proto__',
  'x.y',
  '$set',
  '',
  '0',
  'length',
  '%',
  '\0',
  '\ud800',
  '_id',
);
const scalar = fc.constantFrom(null, true, false, 0, 1, -1.5, 1e300, '', 'a', '0', '\ud800', '\0', 'true');
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(tie('tree'), { maxLength: 2 }),
    fc.dictionary(key, tie('tree'), { maxKeys: 3 }),
  ),
}));
const body = fc.dictionary(key, tree, { maxKeys: 4 }) as fc.Arbitrary<Body>;
const path = fc.array(key, { minLength: 1, maxLength: 3 });
const bound = fc.constantFrom(-2, -1.5, 0, 0.5, 1, 1e300, Number.NaN, Infinity, -Infinity);
const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ path, is: scalar }),
  fc.record({ path, is: bound }),
  fc.record({ path, absent: fc.constant(true as const) }),
  fc.record({ path, present: fc.constant(true as const) }),
  fc.record({ path, above: bound }),
  fc.record({ path, atMost: bound }),
);
const change: fc.Arbitrary<FieldChange> = fc.tuple(path, fc.option(tree, { nil: undefined }));

describeMongo('on MongoDB', () => {
  let on: MonitoredStore;
  beforeAll(async () => {
    on = await monitoredStore({ types: [things, items] });
  });
  afterAll(() => on.dispose());

  it('a filter finds the bodies that its condition holds for, and no other', {
    timeout: 120_000,
  }, async () => {
    const bodies = fc.sample(body, { seed: 20260105, numRuns: 200 }).map((each) => JSON.stringify(each));
    for (let from = 0; from < bodies.length; from += 100) {
      await on.store.commit(
        bodies.slice(from, from + 100).map((json, n) => put(things, `t${from + n}`, bodyOf(json))),
      );
    }
    const stored = on.client.db().collection<RecordDocument>('lasting');
    let found = 0;

    for (const each of fc.sample(condition, { seed: 20260106, numRuns: 250 })) {
      const ids = await stored
        .find({ ...conditionFilter(each), k: 'thing' })
        .project({ i: 1 })
        .toArray();
      const expected = bodies.flatMap((json, n) => (holds(each, bodyOf(json)) ? [`t${n}`] : []));
      expect([each, ids.map(({ i }) => i).sort()]).toEqual([each, expected.sort()]);
      found += ids.length;
    }
    expect(found).toBeGreaterThan(500);
  });

  it('a patch makes of a body what the changes make of it one by one', { timeout: 120_000 }, async () => {
    const outcomes = { changed: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(body, fc.array(change, { maxLength: 3 }), async (before, set) => {
        await on.store.commit([put(things, 'patched', before)]);
        const expected = changed(before, set);
        const committing = on.store.commit([patch(things, 'patched', { set })]);

        if (expected === undefined)
          await expect(committing).rejects.toMatchObject({ code: 'store_unavailable' });
        else expect(await committing).toEqual({ committed: true });
        outcomes[expected === undefined ? 'refused' : 'changed'] += 1;
        expect(inOneOrder(await on.store.get(things, 'patched'))).toBe(inOneOrder(expected ?? before));
      }),
      { seed: 20260107, numRuns: 200 },
    );
    expect(Math.min(outcomes.changed, outcomes.refused)).toBeGreaterThan(10);
  });

  it('any history of commits is answered and stored as by the model', { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(histories({ ranks: 'numbers', start: START_MS }), async (batches) => {
        await emptied();
        const model = new StoreModel({ unique: items.unique, expiresAt: 'until' });

        for (const { commits, passes } of batches) {
          on.clock.ms += passes;
          for (const writes of commits) {
            expect(await answerTo(writes)).toEqual(modelAnswer(model.commit(writes, on.clock.ms)));
          }
          await expectSame(model);
        }
      }),
      { seed: 20260108, numRuns: 40 },
    );
  });

  async function emptied(): Promise<void> {
    on.clock.ms = START_MS;
    for (const name of ['tokens', 'claims']) await on.client.db().collection(name).deleteMany({});
  }

  function answerTo(writes: Parameters<StoreModel['commit']>[0]): Promise<unknown> {
    return on.store.commit(writes).catch((error) => error.code);
  }

  async function expectSame(model: StoreModel): Promise<void> {
    const living = model.living(on.clock.ms);
    const { records } = await on.store.scan(items, { limit: 100 });
    const stored = records.toSorted((one, other) => (one.id < other.id ? -1 : 1));
    expect(inOneOrder(stored)).toBe(inOneOrder(living.map(([id, each]) => ({ id, body: each }))));

    for (const group of groups) {
      const listed = await on.store.list(items, 'group', group, { limit: 100 });
      const expected = living.filter(([, each]) => each.group === group).sort(byRank);
      expect(inOneOrder(listed.records)).toBe(inOneOrder(expected.map(([, each]) => each)));
    }
    for (const login of ['ann', 'bob', '\ud800']) {
      const holder = living.find(([, each]) => each.login === login);
      expect(inOneOrder(await on.store.find(items, 'login', login))).toBe(inOneOrder(holder?.[1]));
    }
  }
});

/** Undefined where a change leads through what is no object. */
function changed(before: object, set: readonly FieldChange[]): Body | undefined {
  const [write] = encodedWrites([patch(things, 'any', { set })]);
  const after = bodyOf(JSON.stringify(before));
  try {
    if (write?.kind === 'patch') for (const each of write.set) applyChange(after, each);
    return after;
  } catch {
    return undefined;
  }
}

function modelAnswer(result: ReturnType<StoreModel['commit']>): unknown {
  if (result === 'broken') return 'store_unavailable';
  return result === 'committed' ? { committed: true } : { committed: false, ...result };
}

function byRank([, a]: [string, { rank?: unknown }], [, b]: [string, { rank?: unknown }]): number {
  const order = (rank: unknown) => (typeof rank === 'number' ? rank : Number.NEGATIVE_INFINITY);
  return order(a.rank) === order(b.rank) ? 0 : order(a.rank) - order(b.rank);
}

/** JSON with the keys of each object sorted: MongoDB adds fields in an order of its own. */
function inOneOrder(value: unknown): string | undefined {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
