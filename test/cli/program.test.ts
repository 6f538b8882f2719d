import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { SCHEMA_VERSION } from '../../src/storage/sqlite/migrations.ts';
import { emptyPlace } from './run-cli.ts';

describe('strata', () => {
  it.each([
    [[], /Usage: strata \[options\] \[command\]/],
    [['help'], /Exit codes:\n {2}0 +done/],
    [['serve', '--help'], /--config <file> +YAML file of settings/],
    [['accounts', '--help'], /create .*\n.*list .*\n.*lock .*\n/],
    [['accounts', 'create', '--help'], /never taken from the\ncommand line/],
    [['accounts', 'lock', '--help'], /--ban/],
    [['clients', 'create', '--help'], /service +no users/],
    [['clients', 'import', '--help'], /RFC 7591/],
    [['keys', 'rotate', '--help'], /keys\.publishLead/],
    [['keys', 'rotate-master', '--help'], /2\. strata keys rotate-master/],
  ])('%j helps', async (argv, words) => {
    const { run } = await emptyPlace();

    const { code, out, err } = await run(argv);

    expect(out + err).toMatch(words);
    expect(code).toBe(argv.length === 0 ? 1 : 0);
  });

  it('tells its version', async () => {
    const { run } = await emptyPlace();

    expect(await run(['--version'])).toEqual({
      code: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      err: '',
    });
  });

  it.each([
    [['acounts'], "Unknown command 'acounts'. (Did you mean accounts?)"],
    [['accounts', 'lst'], "Unknown command 'lst'. (Did you mean list?)"],
    [['serve', '--prot', '80'], "Unknown option '--prot'."],
    [['serve', '--config'], "Option '--config <file>' argument missing."],
    [['accounts', 'lock'], "Missing required argument 'account'."],
    [['accounts', 'create'], "Required option '--name <name>' not specified."],
    [
      ['keys', 'rotate', 'signing'],
      "Too many arguments for 'rotate'. Expected 0 arguments but got 1: signing.",
    ],
    [
      ['keys', 'rotate', '--use', 'sign'],
      "Option '--use <use>' argument 'sign' is invalid. Allowed are refresh, ticket, qr, cookie, form, dpop, record, client, signing.",
    ],
  ])('%j is refused in one sentence', async (argv, sentence) => {
    const { run } = await emptyPlace();

    expect(await run(argv)).toEqual({ code: 1, out: '', err: `${sentence}\n` });
  });

  it('says every complaint about the settings on a line of its own', async () => {
    const { run, env } = await emptyPlace('listen: { port: 70000, hots: x }\nqr: { rotateEvery: 5m }\n');

    const { code, err } = await run(['accounts', 'list']);

    expect(err.split('\n')).toEqual([
      expect.stringMatching(/strata\.yaml:3: listen\.port must be a whole number from 0 to 65535$/),
      expect.stringMatching(/strata\.yaml:3: listen\.hots is no setting that exists$/),
      expect.stringMatching(/strata\.yaml:4: qr\.rotateEvery must /),
      '',
    ]);
    expect(err).toContain(env.STRATA_CONFIG);
    expect(code).toBe(1);
  });

  it.each([
    [
      { STRATA_CONFIG: '/nowhere/strata.yaml' },
      /^\/nowhere\/strata\.yaml: cannot be read: there is no such file\n$/,
    ],
    [
      { STRATA_STORE_URL: 'sqlite::memory:' },
      /^The store is in memory, where only the server reaches it\.\n$/,
    ],
    [
      {},
      /^There is no database at \S+strata\.db: check --config, STRATA_DATA_DIR and the directory that you are in\.\n$/,
    ],
  ])('with %j there is nothing to list', async (env, sentence) => {
    const { run } = await emptyPlace();

    expect(await run(['accounts', 'list'], { env })).toEqual({
      code: 1,
      out: '',
      err: expect.stringMatching(sentence),
    });
  });

  it.each([
    ['/dev/null/data', 'a file stands where its path wants a directory'],
    ['/dev/null', 'a file has that name'],
  ])('refuses %s as data directory', async (dataDir, reason) => {
    const { run } = await emptyPlace();
    const argv = ['clients', 'create', '--name', 'Job', '--type', 'service'];

    const { code, err } = await run(argv, { env: { STRATA_DATA_DIR: dataDir } });

    expect(err).toBe(
      `The data directory ${dataDir} cannot be used: ${reason}; name another as STRATA_DATA_DIR or dataDir.\n`,
    );
    expect(code).toBe(1);
  });

  it.each([
    ['of another program', 'PRAGMA application_id = 7; CREATE TABLE t (a)', 'belongs to another program'],
    [
      'of a newer release',
      `PRAGMA application_id = ${0x53747261}; PRAGMA user_version = 99; CREATE TABLE t (a)`,
      `was written by a newer release (schema 99, this one knows ${SCHEMA_VERSION})`,
    ],
  ])('refuses a database %s', async (_whose, sql, reason) => {
    const { run, directory } = await emptyPlace();
    const file = `${directory}/other.db`;
    const db = new DatabaseSync(file);
    db.exec(sql);
    db.close();

    const { code, err } = await run(['accounts', 'list'], { env: { STRATA_STORE_URL: `sqlite:${file}` } });

    expect(err).toBe(`The database file ${file} ${reason}.\n`);
    expect(code).toBe(1);
  });

  it('refuses a file that is no database, and keys of another master secret', async () => {
    const { run, write } = await emptyPlace();
    const file = await write('text.db', 'no database at all '.repeat(100));
    const noDatabase = await run(['accounts', 'list'], { env: { STRATA_STORE_URL: `sqlite:${file}` } });
    await run(['clients', 'create', '--name', 'Job', '--type', 'service']);
    const otherSecret = await run(['keys', 'list'], {
      env: { STRATA_MASTER_SECRET: 'kZ3v9Qm1Xr7Lw5Tt0Bn8Hc2Yd6Pg4Js-' },
    });

    expect(noDatabase.err).toBe(`The database file ${file} cannot be opened: file is not a database.\n`);
    expect(otherSecret.err).toMatch(
      /^The key refresh\.1 in the store wants the master secret mk_[0-9a-f]{12}, and the one that is set is mk_[0-9a-f]{12}\.\n$/,
    );
  });
});
