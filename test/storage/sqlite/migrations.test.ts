import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openStore } from '../../../src/storage/open.ts';
import { recordType } from '../../../src/storage/record-type.ts';
import { SCHEMA_VERSION, stepsFrom } from '../../../src/storage/sqlite/migrations.ts';
import { insert, type Store } from '../../../src/storage/store.ts';
import { testClock } from '../../support/test-clock.ts';
import type { Round } from './older-release.ts';

interface Person {
  login?: string;
  team?: string;
  since?: number;
  until?: number;
}

const people = recordType<Person>('person', {
  unique: ['login'],
  indexes: { team: { field: 'team', orderBy: 'since' } },
  expiresAt: 'until',
});

const EARLY = 2000;

let dataDir: string;
const file = () => join(dataDir, 'strata.db');

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'strata-'));
  return () => rm(dataDir, { recursive: true });
});

/** A file as the first release left it: version 1, with no column or index beyond the expiry. */
function makeOldFile(): void {
  const db = new DatabaseSync(file());
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA application_id = ${0x53747261}; PRAGMA user_version = 1;
    CREATE TABLE "person" (id TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, "expires_at" REAL) STRICT;
    WITH RECURSIVE person_n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM person_n WHERE n < ${EARLY - 1})
    INSERT INTO "person" SELECT 'early-' || n,
      json_object('login', 'early-' || n, 'team', 'red', 'since', ${EARLY} - n), NULL FROM person_n`);
  db.close();
}

async function opened(): Promise<Store> {
  const address = { url: 'sqlite:strata.db', dataDir };
  const store = await openStore({ ...address, clock: testClock(), types: [people] });
  onTestFinished(() => store.close());
  return store;
}

function olderRelease(): { rounds: Round[]; reached: (written: number) => Promise<void> } {
  const rounds: Round[] = [];
  const child: ChildProcess = fork(new URL('./older-release.ts', import.meta.url), [file()], {
    execArgv: [],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  child.on('message', (round: Round) => rounds.push(round));
  const reached = (written: number) =>
    vi.waitFor(() => expect(rounds.length).toBeGreaterThanOrEqual(written), { timeout: 15_000 });
  return { rounds, reached };
}

function query(sql: string): unknown {
  const db = new DatabaseSync(file(), { readOnly: true });
  const row = db.prepare(sql).get() ?? {};
  db.close();
  return Object.values(row)[0];
}

describe('a file of an older release', () => {
  it('is brought forward while a process of that release goes on with it', async () => {
    makeOldFile();
    const older = olderRelease();
    await older.reached(50);

    const store = await opened();
    const atOpening = older.rounds.length;
    await older.reached(atOpening + 50);

    expect(older.rounds.filter((round) => round.kind === 'failed')).toEqual([]);
    expect(query('PRAGMA user_version')).toBe(SCHEMA_VERSION);
    expect(await store.find(people, 'login', 'early-7')).toEqual({
      login: 'early-7',
      team: 'red',
      since: EARLY - 7,
    });
    const { records } = await store.list(people, 'team', 'red', { limit: 2 });
    expect(records.map(({ login }) => login)).toEqual([`early-${EARLY - 1}`, `early-${EARLY - 2}`]);
    expect(await store.find(people, 'login', 'late-10')).toMatchObject({ team: 'blue' });
    for (let n = 0; n < atOpening + 50; n += 1) {
      expect(await store.get(people, `late-${n}`)).toMatchObject({ login: `late-${n}` });
    }
    const again = insert(people, 'x', { login: 'early-7' });
    expect(await store.commit([again])).toMatchObject({ failed: { cause: 'not_unique' } });
  });

  it('has what the newer release needs of it', async () => {
    makeOldFile();
    const [one, other] = [await opened(), await opened()];
    const heard: unknown[] = [];
    other.subscribe('qr', (key) => heard.push(key));

    one.notify('qr', 'a');

    await vi.waitFor(() => expect(heard).toEqual(['a']));
  });

  it('stays as it was where it cannot be brought forward', async () => {
    makeOldFile();
    const db = new DatabaseSync(file());
    db.exec(`UPDATE "person" SET body = '{"login":"same"}' WHERE id IN ('early-1', 'early-2')`);
    db.close();

    await expect(opened()).rejects.toMatchObject({ detail: expect.stringContaining('must be unique') });

    expect(query('PRAGMA user_version')).toBe(1);
    expect(query(`SELECT count(*) FROM sqlite_schema WHERE name LIKE 'strata:%'`)).toBe(0);
  });
});

describe('stepsFrom', () => {
  it('leads from each version to the newest', () => {
    expect(stepsFrom(SCHEMA_VERSION)).toEqual([]);
    expect(stepsFrom(SCHEMA_VERSION - 1)).toHaveLength(1);
    expect(stepsFrom(0)).toEqual(stepsFrom(1));
    expect(stepsFrom(1)).toHaveLength(SCHEMA_VERSION - 1);
  });
});
