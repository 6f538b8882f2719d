// Judges one write of a commit. Nothing is changed here: the answer is the precondition that fails, or the
// plan of what the write does once all the others of its commit have been judged as well.
import { type Body, bodyOf } from '../body.ts';
import type { EncodedWrite } from '../encoded-write.ts';
import { keyText } from '../key-text.ts';
import { bodyAfter, type Failure, failedOnRecord } from '../preconditions.ts';
import type { Stored, TableStatements } from './statements.ts';
import { columnsOf, keyValue } from './table.ts';

export interface Plan {
  readonly statements: TableStatements;
  /** Keys of expired records in the way of an id or a unique value; they go before any write is applied. */
  readonly expired: readonly string[];
  apply(): void;
}

export interface Judging {
  readonly now: number;
  /** The unique values that earlier writes of the same commit take. */
  readonly taken: Set<string>;
}

export function judge(statements: TableStatements, write: EncodedWrite, judging: Judging): Plan | Failure {
  const key = keyText(write.id);
  const row = statements.row(key);
  const live = row !== undefined && isLive(row, judging.now) ? bodyOf(row.json) : undefined;

  const failure = failedOnRecord(write, live);
  if (failure !== undefined) return failure;

  if (write.kind === 'check') return { statements, expired: [], apply: () => undefined };
  if (write.kind === 'remove') return { statements, expired: [], apply: () => statements.delete(key) };

  const before = live && columnsOf(statements.table, live);
  const body = bodyAfter(write, live ?? {});
  const json = write.kind === 'patch' ? JSON.stringify(body) : write.json;
  const expired = judgeUnique(statements, { key, body }, judging);
  if ('cause' in expired) return expired;

  const after = columnsOf(statements.table, body);
  if (before !== undefined) {
    return { statements, expired, apply: () => statements.update(key, json, { before, after }) };
  }
  if (row !== undefined) expired.push(key);
  return { statements, expired, apply: () => statements.insert(key, json, after) };
}

/**
 * Fails where another live record, or an earlier write of this commit, has a unique value of the body; answers
 * with the expired records that have one. A value that this very commit frees elsewhere is not free yet.
 */
function judgeUnique(
  statements: TableStatements,
  record: { key: string; body: Body },
  { now, taken }: Judging,
): Failure | string[] {
  const { name, type } = statements.table;
  const expired: string[] = [];

  for (const field of type.unique) {
    const value = keyValue(record.body, field);
    if (value === null) continue;

    const claim = JSON.stringify([name, field, value]);
    const holder = statements.holder(field, value);
    const another = holder !== undefined && holder.key !== record.key;
    if (taken.has(claim) || (another && isLive(holder, now))) return { cause: 'not_unique' };

    taken.add(claim);
    if (another) expired.push(holder.key);
  }
  return expired;
}

function isLive(stored: Stored, now: number): boolean {
  return stored.expiresAt === null || stored.expiresAt > now;
}
