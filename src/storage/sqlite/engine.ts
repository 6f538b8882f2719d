// The meaning of a commit, written once: the writer thread of a file and the store in memory both run this.
//
// A batch of commits is one transaction of the database. Each commit in turn is judged, all its preconditions
// before any of its writes, against what the earlier ones left; if all hold it is applied inside a savepoint,
// so that an unexpected error undoes that commit alone. Nothing is answered before the transaction is durable.
import assert from 'node:assert/strict';
import type { DatabaseSync } from 'node:sqlite';
import type { EncodedWrite } from '../encoded-write.ts';
import type { CommitOutcome } from '../store.ts';
import { retryBusy, sentenceOf } from './database.ts';
import { isFrozen } from './frozen.ts';
import type { Answer, Batch, Job } from './job.ts';
import { type Judging, judge, type Plan } from './judge.ts';
import { TableStatements } from './statements.ts';
import type { Table } from './table.ts';
import { WakeUpTable } from './wake-up-table.ts';

/** How often a batch waits, each time for the busy timeout, while another process writes. */
const BEGIN_ATTEMPTS = 2;

export class Engine {
  readonly #db: DatabaseSync;
  readonly #tables: ReadonlyMap<string, TableStatements>;
  /** The tables whose records expire, in the order of their turns. */
  readonly #sweeping: TableStatements[];
  readonly #wakeUps: WakeUpTable;

  constructor(db: DatabaseSync, tables: ReadonlyMap<string, Table>) {
    this.#db = db;
    this.#tables = new Map([...tables].map(([name, table]) => [name, new TableStatements(db, table)]));
    this.#sweeping = [...this.#tables.values()].filter(({ table }) => table.type.expiresAt !== undefined);
    this.#wakeUps = new WakeUpTable(db);
  }

  /** Runs the jobs as one transaction and answers them in their order; all fail if it cannot be stored. */
  run({ jobs, now }: Batch): Answer[] {
    try {
      retryBusy(BEGIN_ATTEMPTS, () => this.#db.exec('BEGIN IMMEDIATE'));
      const answers = jobs.map((job) => this.#runJob(job, now));
      this.#db.exec('COMMIT');
      return answers;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      return jobs.map(() => ({ kind: 'failed', detail: `the transaction failed: ${sentenceOf(error)}` }));
    }
  }

  #runJob(job: Job, now: number): Answer {
    this.#db.exec('SAVEPOINT job');
    try {
      const answer = this.#answer(job, now);
      this.#db.exec('RELEASE job');
      return answer;
    } catch (error) {
      // A full disk or a broken one can end the whole transaction: then nothing of the batch is there any more.
      if (!this.#db.isTransaction) throw error;
      this.#db.exec('ROLLBACK TO job; RELEASE job');
      if (isFrozen(error)) return job.kind === 'commit' ? { kind: 'moving' } : { kind: 'swept', count: 0 };
      return { kind: 'failed', detail: sentenceOf(error) };
    }
  }

  #answer(job: Job, now: number): Answer {
    switch (job.kind) {
      case 'commit':
        return { kind: 'outcome', outcome: this.#commit(job.writes, now) };
      case 'sweep':
        return { kind: 'swept', count: this.#sweep(job.limit, now) };
      case 'wake_up':
        this.#wakeUps.append(job.wakeUp, now);
        return { kind: 'noted' };
    }
  }

  #commit(writes: readonly EncodedWrite[], now: number): CommitOutcome {
    const judging: Judging = { now, taken: new Set() };
    const plans: Plan[] = [];
    for (const [index, write] of writes.entries()) {
      const verdict = judge(this.#statements(write.type), write, judging);
      if ('cause' in verdict) return { committed: false, failed: { index, ...verdict } };
      plans.push(verdict);
    }

    for (const { statements, expired } of plans) {
      for (const key of expired) statements.delete(key);
    }
    for (const plan of plans) plan.apply();
    return { committed: true };
  }

  /** Begins with another table each time, so that one with many expired records does not starve the others. */
  #sweep(limit: number, now: number): number {
    const turn = this.#sweeping.shift();
    if (turn !== undefined) this.#sweeping.push(turn);

    let swept = 0;
    for (const statements of this.#sweeping) swept += statements.deleteExpired(now, limit - swept);
    return swept;
  }

  #statements(type: string): TableStatements {
    const statements = this.#tables.get(type);
    assert(statements !== undefined, `the store was opened without the record type "${type}"`);
    return statements;
  }
}
