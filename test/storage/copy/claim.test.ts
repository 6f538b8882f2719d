import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { abandonCopy, claimCopy } from '../../../src/storage/copy/claim.ts';
import type { CopyStep } from '../../../src/storage/copy/copy-store.ts';
import { openTarget } from '../../../src/storage/copy/sides.ts';
import { openStore } from '../../../src/storage/open.ts';
import { put } from '../../../src/storage/store.ts';
import { forwardingStore } from '../../support/forwarding-store.ts';
import { contractTypes, notes } from '../contract-types.ts';
import { contentOf, forwardingChanges, type House, house, runCopy } from './copy-fixtures.ts';

const LEASE_MS = 15_000;

class Interruption extends Error {}

/** Stops the copy at the first step of this kind. */
async function interrupted(place: House, kind: CopyStep['kind']): Promise<void> {
  const onStep = (step: CopyStep) => {
    if (step.kind === kind) throw new Interruption();
  };
  await expect(runCopy(place, { onStep })).rejects.toThrow(Interruption);
}

describe('a copy that was interrupted', () => {
  it.each(['copied', 'comparing', 'frozen', 'sealed'] as const)(
    'at "%s" is finished by the next run',
    async (kind) => {
      const place = await house(1_200);
      await interrupted(place, kind);
      const before = await contentOf(place.store);
      const writing = place.store.commit([put(notes, 'in between', { kind })]);
      if (kind === 'sealed') await expect(writing).rejects.toMatchObject({ code: 'overloaded' });
      else await writing;

      await runCopy(place);

      const content = await contentOf(await place.moveIn());
      expect(content).toEqual(await contentOf(place.store));
      expect(content.size).toBe(before.size + (kind === 'sealed' ? 0 : 1));
    },
  );

  it('does not copy again what it has copied', async () => {
    const place = await house(1_200);
    await interrupted(place, 'comparing');
    const { steps } = await runCopy(place);
    expect(steps.filter(({ kind }) => kind === 'copied')).toEqual([]);
  });

  it('leaves a target that no server starts on', async () => {
    const place = await house(20);
    await interrupted(place, 'comparing');
    await expect(place.moveIn()).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: expect.stringMatching(/unfinished copy of .*from\.db: run the same strata store copy again/),
    });
  });
});

describe('two copiers', () => {
  it('are not at work on one copy at once; the second takes over when the first is silent for long', async () => {
    const place = await house(50);
    const { sides, target } = await claimable(place);
    const first = await claimCopy(sides);

    await expect(runCopy(place)).rejects.toThrow(
      /another strata store copy is at work on this copy.* try again in 15 s/,
    );
    const clock = { now: () => target.clock.now() + LEASE_MS };
    await runCopy(place, { target: forwardingStore(target, { clock }) });

    await expect(first.hold()).resolves.toBeUndefined();
    await expect(first.save({ copied: [] })).rejects.toThrow(
      /another strata store copy has taken this copy on/,
    );
  });

  it('do not write over each other: what the first still sends is not applied', async () => {
    const place = await house(50);
    const { sides, target } = await claimable(place);
    const first = await claimCopy(sides);
    const clock = { now: () => target.clock.now() + LEASE_MS };
    await claimCopy({ ...sides, target: forwardingStore(target, { clock }) });

    const outcome = await target.commit([first.fence(0), put(notes, 'note-1', { text: 'old' })]);

    expect(outcome).toMatchObject({ committed: false, failed: { index: 0, cause: 'condition' } });
    expect(await target.get(notes, 'note-1')).toBeUndefined();
  });

  it('end with a sentence where another one has taken over', async () => {
    const place = await house(50);
    const { sides, target } = await claimable(place);
    const clock = { now: () => target.clock.now() + LEASE_MS };
    let commits = 0;
    const disturbed = forwardingStore(target, {
      commit: async (writes) => {
        commits += 1;
        // Behind its claim and its first note of where it is.
        if (commits === 3) await claimCopy({ ...sides, target: forwardingStore(target, { clock }) });
        return target.commit(writes);
      },
    });

    await expect(runCopy(place, { target: disturbed })).rejects.toThrow(
      'another strata store copy has taken this copy on',
    );
    expect(await contentOf(target)).toEqual(new Map());
  });

  it('are refused a source that is on its way elsewhere', async () => {
    const place = await house(50);
    await interrupted(place, 'copied');
    const elsewhere = await openTarget({
      url: 'sqlite:else.db',
      dataDir: place.dataDir,
      types: contractTypes,
    });

    const copying = runCopy(place, { target: elsewhere.store, to: 'else.db' });

    await expect(copying).rejects.toThrow(
      /from\.db is being copied to .*to\.db, and else\.db is not that copy/,
    );
    await elsewhere.close();
  });
});

describe('a target', () => {
  it('that holds records is refused, and nothing is marked', async () => {
    const place = await house(50);
    const other = await place.moveIn();
    await other.commit([put(notes, 'mine', {})]);

    await expect(runCopy(place)).rejects.toThrow(/to\.db is not empty \(it holds records of order\)/);

    expect([...(await contentOf(other)).keys()]).toEqual(['order/mine']);
    await (await openStore({ url: place.to, dataDir: place.dataDir, types: contractTypes })).close();
    await expect(abandonCopy(place.source, 'from.db')).rejects.toThrow('from.db is not being copied');
  });

  it('is a store like any other afterwards, and can be moved on', async () => {
    const place = await house(50);
    await runCopy(place);
    const onwards = { ...place, from: place.to, to: 'sqlite:third.db' };
    const types = contractTypes;
    const { openSource } = await import('../../../src/storage/copy/sides.ts');
    const source = await openSource({ url: onwards.from, dataDir: place.dataDir, types });
    const target = await openTarget({ url: onwards.to, dataDir: place.dataDir, types });

    await runCopy(place, { source: source.store, changes: source.changes, target: target.store });

    expect(await contentOf(target.store)).toEqual(await contentOf(place.store));
    await source.close();
    await target.close();
  });

  it('is not moved into twice', async () => {
    const place = await house(50);
    await runCopy(place);
    await expect(runCopy(place)).rejects.toThrow(/from\.db was moved to .*to\.db already/);
  });
});

describe('abandonCopy', () => {
  it('makes the source a store like any other, whenever the copy stopped', async () => {
    const place = await house(50);
    const db = new DatabaseSync(join(place.dataDir, 'from.db'));
    const schema = () =>
      db
        .prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'strata:%' AND name <> 'strata:wake_ups'")
        .all();
    await interrupted(place, 'frozen');
    const { source } = place;
    await source.changes.freeze(60_000);
    expect(schema().length).toBeGreaterThan(0);

    await abandonCopy(source, 'from.db');

    expect(schema()).toEqual([]);
    expect(await place.store.commit([put(notes, 'new', {})])).toEqual({ committed: true });
    await expect(runCopy(place)).rejects.toThrow(/to\.db holds an unfinished copy that was given up/);
    db.close();
  });

  it('clears what an earlier one left that did not come to its end', async () => {
    const place = await house(50);
    const { changes, store } = place.source;
    await changes.start();
    await changes.freeze(60_000);

    await expect(abandonCopy(place.source, 'from.db')).rejects.toThrow('from.db is not being copied');

    expect(await store.commit([put(notes, 'new', {})])).toEqual({ committed: true });
  });

  it('ends a copier that is at work, which leaves nothing behind', async () => {
    const place = await house(50);
    const { source } = place;
    const copying = runCopy(place, {
      changes: forwardingChanges(source.changes, {
        seal: async () => {
          await abandonCopy(source, 'from.db');
          return false;
        },
      }),
    });

    await expect(copying).rejects.toThrow(/the copy was given up/);

    const db = new DatabaseSync(join(place.dataDir, 'from.db'));
    expect(
      db
        .prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'strata:%' AND name <> 'strata:wake_ups'")
        .all(),
    ).toEqual([]);
    db.close();
  });

  it('is refused when the store was moved: the other one may have changed since', async () => {
    const place = await house(50);
    await runCopy(place);
    const { source } = place;
    await expect(abandonCopy(source, 'from.db')).rejects.toThrow(
      /from\.db was moved to .*to\.db, where records/,
    );
    await expect(place.store.commit([put(notes, 'new', {})])).rejects.toMatchObject({ code: 'overloaded' });
  });
});

async function claimable(place: House) {
  const { source } = place;
  const target = await place.target();
  const sides = { from: source.name, to: target.name, types: contractTypes };
  return { sides: { ...sides, source: source.store, target: target.store }, target: target.store };
}
