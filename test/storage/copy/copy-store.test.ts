import { describe, expect, it } from 'vitest';
import type { CopyStep } from '../../../src/storage/copy/copy-store.ts';
import { openStore } from '../../../src/storage/open.ts';
import { insert, patch, put, remove, type Store } from '../../../src/storage/store.ts';
import { forwardingStore } from '../../support/forwarding-store.ts';
import { contractTypes, notes, things } from '../contract-types.ts';
import { contentOf, forwardingChanges, type House, house, runCopy } from './copy-fixtures.ts';

const moving = { code: 'overloaded', retryAfterSeconds: 5 };

describe('copyStore', () => {
  it('brings every record over as it is, and says how many', async () => {
    const place = await house(1_200);
    await place.store.commit([
      put(
        notes,
        'a.b/$c\0 \u{1F600} \ud800',
        JSON.parse('{"__proto__":1,"x.y":{"$gt":null},"deep":[[1,{"a":"é"}]]}'),
      ),
      put(things, 'plain', { email: 'ada@example.com', tags: [], nested: { '10': 1, '9': 2 } }),
    ]);
    const before = await contentOf(place.store);

    const { report } = await runCopy(place);

    expect(before.size).toBe(2_402);
    expect(await contentOf(await place.moveIn())).toEqual(before);
    expect(report.tallies.get('thing')?.count).toBe(1_201);
    expect(report.tallies.get('order')?.count).toBe(1_201);
    expect(report.repaired).toBe(0);
  });

  it('leaves out what has expired', async () => {
    const place = await house();
    const now = place.store.clock.now();
    await place.store.commit([
      put(things, 'over', { login: 'over', until: now - 1 }),
      put(things, 'live', { login: 'live', until: now + 3_600_000 }),
    ]);

    await runCopy(place);

    const target = (await place.target()).store;
    expect([...(await contentOf(target)).keys()]).toEqual(['thing/live']);
    expect(await target.commit([insert(things, 'new', { login: 'over' })])).toEqual({ committed: true });
  });

  it('brings over what is inserted, changed and removed at any moment of it', async () => {
    const place = await house(1_200);
    let n = 0;

    const { target, steps } = await copiedWith(place, async (step) => {
      if (n >= 100 || step === 'frozen' || step === 'sealed') return;
      n += 1;
      await place.store.commit([
        insert(things, `late-${n}`, { login: `late-${n}` }),
        patch(things, `thing-${n}`, { set: [[['state'], `changed-${n}`]] }),
        remove(notes, `note-${n}`),
      ]);
    });

    const content = await contentOf(target);
    expect(content).toEqual(await contentOf(place.store));
    expect(n).toBeGreaterThan(30);
    expect(content.get(`thing/late-${n}`)).toEqual({ login: `late-${n}` });
    expect(content.has(`order/note-${n}`)).toBe(false);
    expect(steps.map(({ kind }) => kind)).toContain('caught_up');
  });

  it('follows unique values that wander from record to record', async () => {
    const place = await house(300);
    let turn = 0;

    const { target } = await copiedWith(place, async (step) => {
      if (turn >= 40 || step === 'frozen' || step === 'sealed') return;
      turn += 1;
      // Two swap their logins through a third value, so that in every order of reading one is in the way.
      const [one, other] = [`thing-${turn}`, `thing-${299 - turn}`];
      const [mine, theirs] = await Promise.all([one, other].map((id) => place.store.get(things, id)));
      for (const [id, login] of [
        [one, `between-${turn}`],
        [other, mine?.login],
        [one, theirs?.login],
      ] as const) {
        await place.store.commit([patch(things, id, { set: [[['login'], login]] })]);
      }
    });

    expect(turn).toBeGreaterThan(5);
    expect(await contentOf(target)).toEqual(await contentOf(place.store));
  });

  it('begins again where the change log does not reach back any more', async () => {
    const place = await house(300);
    const { source } = place;
    let isLost = false;

    const { target, steps } = await copiedWith(place, async (step) => {
      if (step !== 'copied' || isLost) return;
      isLost = true;
      await place.store.commit([remove(notes, 'note-0')]);
      await source.changes.stop();
    });

    expect(steps.map(({ kind }) => kind)).toContain('begun_again');
    expect(await contentOf(target)).toEqual(await contentOf(place.store));
  });
});

describe('the comparison', () => {
  it('copies again and counts what differs without a change that explains it', async () => {
    const place = await house(300);
    const other = await place.target();

    const { target, steps, report } = await copiedWith(place, async (step, isFirst) => {
      if (step !== 'comparing' || !isFirst) return;
      await other.store.commit([
        put(notes, 'note-1', { text: 'changed' }),
        remove(notes, 'note-2'),
        put(notes, 'nobody wrote this', {}),
        put(things, 'nor this', { login: 'x' }),
      ]);
    });

    expect(report.repaired).toBe(4);
    expect(steps).toContainEqual({ kind: 'repaired', records: 4 });
    expect(await contentOf(target)).toEqual(await contentOf(place.store));
  });

  it('does not end in a move where the two go on differing, and the source takes writes', async () => {
    const place = await house(10);
    const other = await place.target();
    let n = 0;

    const copying = copiedWith(place, async (step) => {
      n += 1;
      if (step === 'comparing') await other.store.commit([put(notes, 'note-1', { n })]);
    });

    await expect(copying).rejects.toThrow(/goes on differing/);
    expect(await place.store.commit([put(notes, 'new', {})])).toEqual({ committed: true });
  });

  it('digests the same for the same records, whatever the way they came', async () => {
    const [one, other] = [await house(50), await house(0)];
    for (let n = 49; n >= 0; n -= 1) {
      const id = `note-${n}`;
      await other.store.commit([put(notes, id, (await one.store.get(notes, id)) ?? {})]);
    }
    const [{ report }, { report: otherReport }] = [await runCopy(one), await runCopy(other)];
    expect(report.tallies.get('order')?.digest()).toBe(otherReport.tallies.get('order')?.digest());
    expect(report.tallies.get('thing')?.digest()).not.toBe(otherReport.tallies.get('thing')?.digest());
  });
});

describe('the move', () => {
  it('refuses writes as overloaded from the freeze on, and answers reads', async () => {
    const place = await house(20);
    const { changes } = place.source;
    let refused: unknown;

    await runCopy(place, {
      changes: forwardingChanges(changes, {
        seal: async (position) => {
          refused = await place.store.commit([put(notes, 'new', {})]).catch((error) => error);
          expect(await place.store.get(notes, 'note-1')).toMatchObject({ text: 'note 1' });
          return changes.seal(position);
        },
      }),
    });

    expect(refused).toMatchObject(moving);
    await expect(place.store.commit([put(notes, 'late', {})])).rejects.toMatchObject(moving);
    expect(await place.store.get(notes, 'note-1')).toMatchObject({ text: 'note 1' });
    expect(await contentOf((await place.target()).store)).toEqual(await contentOf(place.store));
  });

  it('leaves a source that no server starts on, and says where it went', async () => {
    const place = await house(20);
    await runCopy(place);

    const starting = openStore({ url: place.from, dataDir: place.dataDir, types: contractTypes });

    await expect(starting).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: expect.stringMatching(/this store was moved to .*to\.db: set store\.url/),
    });
  });

  it('does not wait for long: what does not come over in time is tried again later', async () => {
    const place = await house(20);
    const { source } = place;
    let ahead = 0;
    const clock = { now: () => source.store.clock.now() + ahead };
    let frozen = 0;

    const { steps } = await runCopy(place, {
      source: forwardingStore(source.store, { clock }),
      changes: forwardingChanges(source.changes, {
        freeze: async (ms) => {
          frozen += 1;
          await place.store.commit([put(notes, `late-${frozen}`, {})]);
          await source.changes.freeze(ms);
        },
        read: async (after, limit) => {
          const read = await source.changes.read(after, limit);
          // Two times the first changes take longer than the whole freeze may.
          const isFew = read.kind === 'changes' && read.names.length > 0;
          if (isFew && frozen > 0 && frozen < 3) ahead += 40_000;
          return read.kind === 'changes' && isFew && frozen < 3 ? { ...read, more: true } : read;
        },
      }),
    });

    const kinds = steps.map(({ kind }) => kind).filter((kind) => /frozen|thawed|sealed/.test(kind));
    expect(kinds).toEqual(['frozen', 'thawed', 'frozen', 'thawed', 'frozen', 'sealed']);
    expect(await contentOf((await place.target()).store)).toEqual(await contentOf(place.store));
  });

  it('is given up after some attempts, and the source takes writes', async () => {
    const place = await house(20);
    await expect(runCopy(place, { frozenMaxMs: 0 })).rejects.toThrow(/did not come over within 0 ms/);
    expect(await place.store.commit([put(notes, 'new', {})])).toEqual({ committed: true });

    await runCopy(place);
    expect(await (await place.target()).store.get(notes, 'new')).toEqual({});
  });

  it('is not made where a commit slipped in behind the last change', async () => {
    const place = await house(20);
    const { changes } = place.source;
    let slipped = 0;

    const { steps } = await runCopy(place, {
      changes: forwardingChanges(changes, {
        // A freeze that is over as soon as it begins.
        freeze: () => changes.freeze(0),
        seal: async (position) => {
          slipped += 1;
          if (slipped <= 2) await place.store.commit([put(notes, `slipped-${slipped}`, {})]);
          return changes.seal(position);
        },
      }),
    });

    expect(steps.filter(({ kind }) => kind === 'thawed').length).toBe(2);
    const target = (await place.target()).store;
    expect(await target.get(notes, 'slipped-1')).toEqual({});
    expect(await target.get(notes, 'slipped-2')).toEqual({});
  });

  it('is left out by a rehearsal, after which the next run has only the changes to bring', async () => {
    const place = await house(500);
    const rehearsal = await runCopy(place, { until: 'rehearsed' });
    expect(rehearsal.steps.map(({ kind }) => kind)).not.toContain('frozen');
    await place.store.commit([put(notes, 'in between', {})]);

    const { steps } = await runCopy(place);

    expect(steps.map(({ kind }) => kind)).not.toContain('copied');
    expect(await contentOf((await place.target()).store)).toEqual(await contentOf(place.store));
  });
});

interface Copied {
  target: Store;
  steps: CopyStep[];
  report: Awaited<ReturnType<typeof runCopy>>['report'];
}

/**
 * Copies, with something going on whenever the copier turns to the target. `during` is told the last step that the
 * copier told, and whether it is asked for the first time since.
 */
async function copiedWith(
  place: House,
  during: (step: CopyStep['kind'] | undefined, isFirst: boolean) => Promise<void>,
): Promise<Copied> {
  const { store } = await place.target();
  const seen = new Set<string>();
  let step: CopyStep['kind'] | undefined;
  async function disturb(): Promise<void> {
    const isFirst = !seen.has(String(step));
    seen.add(String(step));
    await during(step, isFirst);
  }
  const target = forwardingStore(store, {
    scan: async (type, options) => {
      await disturb();
      return store.scan(type, options);
    },
    commit: async (writes) => {
      await disturb();
      return store.commit(writes);
    },
  });
  const { steps, report } = await runCopy(place, {
    target,
    onStep: ({ kind }) => {
      step = kind;
    },
  });
  return { target: (await place.target()).store, steps, report };
}
