import type { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MEMORY, openWritable } from '../../../src/storage/sqlite/database.ts';
import { Engine } from '../../../src/storage/sqlite/engine.ts';
import { type Answer, commitJob } from '../../../src/storage/sqlite/job.ts';
import { prepareSchema } from '../../../src/storage/sqlite/schema.ts';
import { tablesOf } from '../../../src/storage/sqlite/table.ts';
import { insert, patch, type Write } from '../../../src/storage/store.ts';
import { contractTypes, notes, things } from '../contract-types.ts';

const now = 1000;
const won: Answer = { kind: 'outcome', outcome: { committed: true } };

function opened(): { db: DatabaseSync; run: (...commits: Write[][]) => Answer[] } {
  const db = openWritable({ path: MEMORY, busyTimeoutMs: 0 });
  onTestFinished(() => db.close());
  const tables = tablesOf(contractTypes);
  prepareSchema(db, { path: MEMORY, tables, now });
  const engine = new Engine(db, tables);
  return { db, run: (...commits) => engine.run({ now, jobs: commits.map(commitJob) }) };
}

function ids(db: DatabaseSync): unknown[] {
  return db
    .prepare('SELECT id FROM thing ORDER BY id')
    .all()
    .map((row) => row.id);
}

describe('Engine', () => {
  it('judges each commit of a batch against what the earlier ones left', () => {
    const { run } = opened();

    const answers = run(
      [insert(things, 'a', { count: 1 })],
      [insert(things, 'a', { count: 2 })],
      [patch(things, 'a', { when: [{ path: ['count'], is: 1 }], set: [[['count'], 3]] })],
      [patch(things, 'a', { when: [{ path: ['count'], is: 1 }], set: [[['count'], 4]] })],
    );

    expect(answers).toMatchObject([
      won,
      { outcome: { committed: false, failed: { index: 0, cause: 'exists' } } },
      won,
      { outcome: { committed: false, failed: { index: 0, cause: 'condition' } } },
    ]);
  });

  it('undoes a commit that breaks in the middle, and that one alone', () => {
    const { db, run } = opened();
    db.exec(`CREATE TRIGGER broken BEFORE INSERT ON thing WHEN NEW.id = 'bomb'
             BEGIN SELECT RAISE(ABORT, 'the disk made a noise'); END`);

    const answers = run(
      [insert(things, 'a', {})],
      [insert(things, 'b', {}), insert(things, 'bomb', {}), insert(things, 'c', {})],
      [insert(things, 'd', {})],
    );

    expect(answers).toEqual([won, { kind: 'failed', detail: 'the disk made a noise' }, won]);
    expect(ids(db)).toEqual(['a', 'd']);
  });

  it('fails the whole batch where the transaction itself is lost, and works on', () => {
    const { db, run } = opened();
    db.exec(`CREATE TRIGGER broken BEFORE INSERT ON thing WHEN NEW.id = 'bomb'
             BEGIN SELECT RAISE(ROLLBACK, 'all is lost'); END`);

    const answers = run([insert(things, 'a', {})], [insert(things, 'bomb', {})], [insert(things, 'c', {})]);

    expect(answers.map((answer) => answer.kind)).toEqual(['failed', 'failed', 'failed']);
    expect(ids(db)).toEqual([]);
    expect(run([insert(things, 'd', {})])).toEqual([won]);
  });

  it('fails the whole batch where COMMIT fails', () => {
    const { db, run } = opened();
    // A foreign key that is looked at by COMMIT alone stands for a disk that fails then.
    db.exec(`CREATE TABLE parent (id TEXT PRIMARY KEY) STRICT;
             CREATE TABLE child (id TEXT REFERENCES parent DEFERRABLE INITIALLY DEFERRED) STRICT;
             CREATE TRIGGER orphan AFTER INSERT ON thing WHEN NEW.id = 'orphan'
             BEGIN INSERT INTO child VALUES ('nobody'); END`);

    const answers = run([insert(things, 'a', {})], [insert(things, 'orphan', {})], [insert(things, 'a', {})]);

    expect(answers.map((answer) => answer.kind)).toEqual(['failed', 'failed', 'failed']);
    expect(ids(db)).toEqual([]);
    expect(run([insert(things, 'd', {})])).toEqual([won]);
  });

  it('fails the commit that no longer fits on the disk', () => {
    const { db, run } = opened();
    db.exec('PRAGMA max_page_count = 60');

    const answers = run([insert(notes, 'big', { text: 'x'.repeat(1_000_000) })]);

    expect(answers).toMatchObject([{ kind: 'failed', detail: expect.stringContaining('full') }]);
    expect(run([insert(notes, 'small', { text: 'x' })])).toEqual([won]);
  });

  it('fails a commit about a type that it does not know', () => {
    const { run } = opened();
    const unknown = insert({ ...things, name: 'unknown' }, 'a', {});

    expect(run([unknown])).toMatchObject([{ kind: 'failed', detail: expect.stringContaining('"unknown"') }]);
  });

  it('sweeps one table as well as the other, whichever has more', () => {
    const types = [things, { ...things, name: 'other_thing' }] as const;
    const db = openWritable({ path: MEMORY, busyTimeoutMs: 0 });
    onTestFinished(() => db.close());
    const tables = tablesOf(types);
    prepareSchema(db, { path: MEMORY, tables, now });
    const engine = new Engine(db, tables);
    const expired = types.map((type) =>
      commitJob(Array.from({ length: 50 }, (_, n) => insert(type, `t${n}`, { until: 1 }))),
    );
    engine.run({ now: 0, jobs: expired });

    const answers = engine.run({
      now,
      jobs: Array.from({ length: 4 }, () => ({ kind: 'sweep', limit: 10 })),
    });

    expect(answers).toEqual(answers.map(() => ({ kind: 'swept', count: 10 })));
    const left = [...tables.keys()].map((name) => db.prepare(`SELECT count(*) AS n FROM ${name}`).get()?.n);
    expect(left).toEqual([30, 30]);
  });
});
