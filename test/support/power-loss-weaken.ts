// Loaded before everything else into each thread of a process that is to lose what it has answered: whoever
// asks SQLite for `synchronous = FULL` gets what STRATA_TEST_SYNCHRONOUS says instead.
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';

const { STRATA_TEST_SYNCHRONOUS: weaker } = process.env;
assert(weaker !== undefined, 'STRATA_TEST_SYNCHRONOUS says how little is synced');

const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function weakened(sql: string): void {
  exec.call(this, sql.replaceAll(/synchronous = FULL/g, `synchronous = ${weaker}`));
};
