// `strata backup` and `strata restore` as they are typed: what they say, what they refuse, and what is left then.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { emptyPlace, type Place, type Ran, serve } from './run-cli.ts';

const bin = fileURLToPath(new URL('../../bin/strata.js', import.meta.url));

interface Stocked extends Place {
  data: string;
  database: string;
  backup: string;
  files(): Promise<string[]>;
}

/** A database with one account, and a backup of it before another account was made. */
async function stockedPlace(): Promise<Stocked> {
  const place = await emptyPlace();
  const data = place.env.STRATA_DATA_DIR;
  const backup = join(place.directory, 'backup.db');
  await addAccount(place, 'ada');
  expect((await place.run(['backup', backup])).code).toBe(0);
  await addAccount(place, 'lin');
  const files = async () => (await readdir(data)).filter((name) => !/-wal$|-shm$/.test(name)).toSorted();
  return { ...place, data, database: join(data, 'strata.db'), backup, files };
}

function addAccount({ run }: Place, username: string): Promise<Ran> {
  return run(['accounts', 'create', '--name', username, '--username', username, '--generate-password']);
}

async function accountsIn({ run }: Place): Promise<string[]> {
  const { out } = await run(['accounts', 'list', '--json']);
  return JSON.parse(out).map(({ login, username }: Record<string, string>) => login ?? username);
}

describe('strata backup', () => {
  it('says what it wrote, and that the master secret must be kept apart', async () => {
    const place = await stockedPlace();
    const file = join(place.directory, 'second.db');

    const { code, out, err } = await place.run(['backup', file]);

    const { size } = await stat(file);
    expect(out.split('\n')).toEqual([
      `Backed up ${place.database} to ${file}: 13 records, ${size} bytes.`,
      '          2 account',
      '          9 key',
      '          2 login',
      '',
    ]);
    expect(err).toMatch(/^The master secret is not in it, .*: keep it, and keep it apart\.\n$/);
    expect(code).toBe(0);
  });

  it('takes --force to replace a file', async () => {
    const place = await stockedPlace();

    expect(await place.run(['backup', place.backup])).toEqual({
      code: 1,
      out: '',
      err: `There is a file ${place.backup} already; --force replaces it.\n`,
    });
    expect((await place.run(['backup', place.backup, '--force'])).out).toContain('2 account');
  });

  it.each([
    [
      { STRATA_STORE_URL: 'sqlite::memory:' },
      /^The store is in memory, where only the server reaches it\.\n$/,
    ],
    [
      { STRATA_STORE_URL: 'mongodb://127.0.0.1:1/strata' },
      /^MongoDB is backed up by its own tools, such as mongodump\. .* run strata restore without a file\.\n$/,
    ],
    [{}, /^There is no database at \S+strata\.db: /],
  ])('with %j there is nothing to copy', async (env, sentence) => {
    const { run, directory } = await emptyPlace();

    const { code, err } = await run(['backup', join(directory, 'backup.db')], { env });

    expect(err).toMatch(sentence);
    expect(code).toBe(1);
    expect(await readdir(directory)).toEqual(['strata.yaml']);
  });
});

describe('strata restore', () => {
  it('brings back the state of the backup, and keeps what was there', async () => {
    const place = await stockedPlace();

    const { code, out, err } = await place.run(['restore', place.backup, '--sessions', 'keep']);

    expect(out.split('\n')).toEqual([
      `Restored ${place.database} from ${place.backup}.`,
      'There was nothing to void.',
      'Device sessions that were kept: 0.',
      expect.stringMatching(/^What was there before is in \S+strata\.db\.replaced-\d{8}T\d{6}\.\d{3}Z; /),
      '',
    ]);
    expect(err).toContain('All else is as it was when the backup was made');
    expect(code).toBe(0);
    expect(await accountsIn(place)).toEqual(['ada']);

    const [kept = ''] = (await place.files()).filter((name) => name.includes('replaced'));
    await place.run(['restore', join(place.data, kept), '--sessions', 'keep']);
    expect((await accountsIn(place)).toSorted()).toEqual(['ada', 'lin']);
  });

  it('makes a database for its owner alone where there was none', async () => {
    const place = await stockedPlace();
    await rm(place.database);

    const { out } = await place.run(['restore', place.backup, '--sessions', 'keep']);

    expect(out).not.toContain('What was there before');
    expect(await place.files()).toEqual(['master.key', 'strata.db']);
    expect((await stat(place.database)).mode & 0o777).toBe(0o600);
    expect(await accountsIn(place)).toEqual(['ada']);
  });

  it('asks what becomes of device sessions where somebody is there, and again after another answer', async () => {
    const place = await stockedPlace();

    const { code, out, err } = await place.run(['restore', place.backup], {
      typed: true,
      input: 'maybe\nEND\n',
    });

    expect(err).toContain('What becomes of the device sessions in the backup?');
    expect(err.match(/keep or end\? /g)?.length).toBeGreaterThanOrEqual(2);
    expect(out).toContain('Device sessions that were ended: 0.');
    expect(code).toBe(0);
  });

  it.each([
    [
      'nobody is there to answer',
      [],
      {},
      'Nobody is here to ask whether device sessions are kept: say --sessions keep or --sessions end.\n',
    ],
    [
      'no answer is one',
      [],
      { typed: true, input: 'a\nb\nc\n' },
      'Neither keep nor end was entered, and nothing was changed.\n',
    ],
    [
      'the choice is another',
      ['--sessions', 'all'],
      {},
      "Option '--sessions <choice>' argument 'all' is invalid. Allowed choices are keep, end.\n",
    ],
  ])('changes nothing where %s', async (_case, argv, options, sentence) => {
    const place = await stockedPlace();
    const before = await readFile(place.database);

    const { code, err } = await place.run(['restore', place.backup, ...argv], options);

    expect(err.endsWith(sentence)).toBe(true);
    expect(code).toBe(1);
    expect(await readFile(place.database)).toEqual(before);
    expect(await place.files()).toEqual(['master.key', 'strata.db']);
  });

  it.each([
    ['is not there', async ({ backup }: Stocked) => rm(backup), /cannot be used: there is no such file/],
    ['is no database', async ({ backup }: Stocked) => writeFile(backup, 'no database'), /is no database/],
    [
      'belongs to another program',
      async ({ backup }: Stocked) => pragma(backup, 'PRAGMA application_id = 7'),
      /belongs to another program/,
    ],
    [
      'is of a newer release',
      async ({ backup }: Stocked) => pragma(backup, 'PRAGMA user_version = 99'),
      /was written by a newer release/,
    ],
    [
      'is damaged',
      async ({ backup }: Stocked) => damage(backup),
      /^The database file \S+backup\.db is damaged/,
    ],
    [
      'has a log beside it',
      async ({ backup }: Stocked) => writeFile(`${backup}-wal`, ''),
      /has a log beside/,
    ],
    [
      'is the database itself',
      async ({ backup, database }: Stocked) => {
        await rm(backup);
        await symlink(database, backup);
      },
      /is the database itself; without a file/,
    ],
  ])('changes nothing where the backup %s', async (_case, change, sentence) => {
    const place = await stockedPlace();
    await change(place);
    const before = await readFile(place.database);

    const { code, err } = await place.run(['restore', place.backup, '--sessions', 'keep']);

    expect(err).toMatch(sentence);
    expect(code).toBe(1);
    expect(await readFile(place.database)).toEqual(before);
    expect(await place.files()).toEqual(['master.key', 'strata.db']);
  });

  it('changes nothing where the keys want another master secret, or there is none', async () => {
    const place = await stockedPlace();
    const before = await readFile(place.database);
    const argv = ['restore', place.backup, '--sessions', 'keep'];

    const other = await place.run(argv, {
      env: { STRATA_MASTER_SECRET: 'kZ3v9Qm1Xr7Lw5Tt0Bn8Hc2Yd6Pg4Js-' },
    });
    expect(other.err).toMatch(/^The key \w+\.1 in the store wants the master secret mk_/);
    await rm(join(place.data, 'master.key'));
    const none = await place.run(argv);
    expect(none.err).toMatch(
      /^No master secret is set, and there is none in \S+master\.key: put the one there/,
    );

    expect(await readFile(place.database)).toEqual(before);
    expect(await place.files()).toEqual(['strata.db']);
  });

  it('is refused for MongoDB with a file, and for a store in memory', async () => {
    const { run } = await emptyPlace();
    const with_ = (url: string) => run(['restore', 'x'], { env: { STRATA_STORE_URL: url } });

    expect((await with_('mongodb://127.0.0.1:1/strata')).err).toMatch(
      /^MongoDB is restored by its own tools/,
    );
    expect((await with_('sqlite::memory:')).err).toMatch(/^The store is in memory/);
  });

  it('without a file goes on with a database that a killed restore was about to replace', async () => {
    const place = await stockedPlace();
    pragma(place.database, `PRAGMA application_id = ${0x53747272}`);

    expect((await place.run(['accounts', 'list'])).err).toMatch(/was set aside by strata restore/);
    const { out } = await place.run(['restore', '--sessions', 'keep']);

    expect(out).toContain(`Voided what must not be used again in ${place.database}.`);
    expect((await accountsIn(place)).toSorted()).toEqual(['ada', 'lin']);
  });

  it('is refused beside a server, which goes on', async () => {
    const place = await stockedPlace();
    const server = await serve(place);
    await server.ready();

    const { code, err } = await place.run(['restore', place.backup, '--sessions', 'keep']);

    expect(err).toBe(
      `The database ${place.database} is in use: stop every server and command on it, and try again.\n`,
    );
    expect(code).toBe(1);
    expect((await fetch(`${server.origin}/readyz`)).status).toBe(200);
    expect((await place.run(['backup', join(place.directory, 'beside.db')])).code).toBe(0);
    server.child.kill('SIGTERM');
    await server.exit;
    expect((await accountsIn(place)).toSorted()).toEqual(['ada', 'lin']);
  });

  it('that is killed half-way leaves the database as it was, and the next one clears up', async () => {
    const place = await stockedPlace();
    const before = await readFile(place.database);
    fillUp(place.backup);

    await killedWhileVoiding(place);

    expect(await readFile(place.database)).toEqual(before);
    const left = (await place.files()).filter((name) => name.includes('.restoring-'));
    expect(left).toHaveLength(1);
    expect((await stat(join(place.data, left[0] ?? ''))).mode & 0o777).toBe(0o600);
    expect((await accountsIn(place)).toSorted()).toEqual(['ada', 'lin']);
    const { out } = await place.run(['restore', place.backup, '--sessions', 'keep']);
    expect(out).toMatch(/^Void: 30000 ticket\.$/m);
    expect(await place.files()).toEqual(['master.key', 'strata.db', expect.stringContaining('.replaced-')]);
  });
});

/** Kills the command as soon as it has begun with its copy. */
async function killedWhileVoiding(place: Stocked): Promise<void> {
  const argv = [bin, 'restore', place.backup, '--sessions', 'keep'];
  const child = spawn(process.execPath, argv, { env: { ...process.env, ...place.env }, stdio: 'ignore' });
  const gone = once(child, 'close');
  onTestFinished(() => void child.kill('SIGKILL'));
  while (!(await place.files()).some((name) => name.includes('.restoring-'))) await pause(5);
  child.kill('SIGKILL');
  expect((await gone)[1]).toBe('SIGKILL');
}

/** More tickets than can be voided before anybody looks. */
function fillUp(path: string): void {
  const db = new DatabaseSync(path);
  db.exec(`WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 30000)
    INSERT INTO ticket (id, body, expires_at)
    SELECT 't' || n, '{"expiresAt":4000000000000}', 4000000000000 FROM counted`);
  db.close();
}

function pragma(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

async function damage(path: string): Promise<void> {
  const bytes = await readFile(path);
  await writeFile(path, bytes.fill(0x5a, 3 * 4096, 20 * 4096));
}
