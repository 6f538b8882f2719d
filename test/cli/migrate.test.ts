import { describe, expect, it } from 'vitest';
import { emptyPlace } from './run-cli.ts';

describe('strata migrate', () => {
  it('makes the database file that the settings name, once and again', async () => {
    const { run, env } = await emptyPlace();

    const first = await run(['migrate']);

    expect(first).toEqual({
      code: 0,
      out: `The database file ${env.STRATA_DATA_DIR}/strata.db is ready.\n`,
      err: '',
    });
    expect(await run(['migrate', '--drop-unused'])).toEqual(first);
    expect(await run(['accounts', 'list'])).toMatchObject({ code: 0 });
  });

  it('has nothing to do for a store in memory', async () => {
    const { run } = await emptyPlace();

    expect(await run(['migrate'], { env: { STRATA_STORE_URL: 'sqlite::memory:' } })).toEqual({
      code: 1,
      out: '',
      err: 'The store is in memory, where only the server reaches it.\n',
    });
  });

  it('says in one sentence where no MongoDB answers, without the password (I7)', async () => {
    const { run } = await emptyPlace();
    const url = 'mongodb://strata:s3cr3t@127.0.0.1:1/strata?serverSelectionTimeoutMS=1500';

    const { code, err } = await run(['migrate'], {
      env: { STRATA_STORE_URL: url },
    });

    expect(code).toBe(1);
    expect(err).toMatch(/^The MongoDB database strata at 127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED/);
    expect(err).not.toContain('s3cr3t');
  });
});
