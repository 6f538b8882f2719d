import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openReadOnly, openWritable } from '../../../src/storage/sqlite/database.ts';
import { makeFile } from '../../../src/storage/sqlite/database-file.ts';
import { prepareSchema } from '../../../src/storage/sqlite/schema.ts';

let path: string;

beforeEach(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'strata-'));
  path = join(directory, 'strata.db');
  return () => rm(directory, { recursive: true });
});

function closing(db: DatabaseSync): DatabaseSync {
  onTestFinished(() => db.close());
  return db;
}

function pragma(db: DatabaseSync, name: string): unknown {
  return Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

describe('openWritable', () => {
  it('waits for the disk at every commit (I8)', () => {
    makeFile(path);
    const db = closing(openWritable({ path, busyTimeoutMs: 1234 }));
    prepareSchema(db, { path, tables: new Map(), now: 0 });

    const full = 2;
    expect(pragma(db, 'synchronous')).toBe(full);
    expect(pragma(db, 'journal_mode')).toBe('wal');
    expect(pragma(db, 'busy_timeout')).toBe(1234);
  });
});

describe('openReadOnly', () => {
  it('writes nothing', () => {
    makeFile(path);
    prepareSchema(closing(openWritable({ path, busyTimeoutMs: 0 })), { path, tables: new Map(), now: 0 });

    const db = closing(openReadOnly({ path, busyTimeoutMs: 0 }));

    expect(() => db.exec('CREATE TABLE theirs (a)')).toThrow('readonly');
  });
});
