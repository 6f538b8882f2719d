import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { emptyPlace, type Place } from './run-cli.ts';

async function placeWithAccounts(): Promise<Place> {
  const place = await emptyPlace();
  for (const name of ['ada', 'lin']) {
    const argv = ['accounts', 'create', '--username', name, '--name', name, '--generate-password'];
    expect(await place.run(argv)).toMatchObject({ code: 0 });
  }
  return place;
}

describe('strata store copy', () => {
  it('moves everything, says what, and what to do next', async () => {
    const { run, env } = await placeWithAccounts();
    const [from, to] = ['strata.db', 'new.db'].map((name) => join(env.STRATA_DATA_DIR, name));

    const { code, out, err } = await run(['store', 'copy', 'config', 'sqlite:new.db']);

    expect(code).toBe(0);
    expect(out).toMatch(/^RECORDS +COUNT +DIGEST, EQUAL ON BOTH SIDES\naccount +2 +\S{43}\n/);
    expect(err).toContain(`Copies ${from} to ${to}. Servers may run on the first meanwhile.\n`);
    expect(err).toContain(`from now on ${from} refuses them.\n`);
    expect(err).toContain(`Next: set store.url (STRATA_STORE_URL) to ${to} and restart every server.\n`);
    const listed = await run(['accounts', 'list'], { env: { STRATA_STORE_URL: 'sqlite:new.db' } });
    expect(listed.out).toContain(' ada ');
    expect(listed.out).toContain(' lin ');
    expect(await run(['accounts', 'list'])).toEqual({
      code: 1,
      out: '',
      err: `This store was moved to ${to}: set store.url to that, this one is out of date.\n`,
    });
  });

  it('rehearses: nothing is refused, and the target is nothing to start on yet', async () => {
    const { run, env } = await placeWithAccounts();

    const rehearsal = await run(['store', 'copy', 'config', 'sqlite:new.db', '--rehearse', '--json']);

    expect(rehearsal.code).toBe(0);
    expect(JSON.parse(rehearsal.out)).toContainEqual({
      type: 'account',
      count: 2,
      digest: expect.stringMatching(/^\S{43}$/),
    });
    expect(rehearsal.err).toContain('Nothing has moved yet.');
    const create = ['accounts', 'create', '--username', 'joe', '--name', 'Joe', '--generate-password'];
    expect(await run(create)).toMatchObject({ code: 0 });
    expect(await run(['accounts', 'list'], { env: { STRATA_STORE_URL: 'sqlite:new.db' } })).toEqual({
      code: 1,
      out: '',
      err: `This store is the unfinished copy of ${join(env.STRATA_DATA_DIR, 'strata.db')}: run the same strata store copy again to finish it, or remove it.\n`,
    });
    expect((await run(['store', 'copy', 'config', 'sqlite:new.db'])).out).toMatch(/^account +3 /m);
  });

  it('leaves a store that a restore brings back to life, should the new one be lost', async () => {
    const { run } = await placeWithAccounts();
    await run(['store', 'copy', 'config', 'sqlite:new.db']);

    expect(await run(['restore', '--sessions', 'keep'])).toMatchObject({ code: 0 });

    expect((await run(['accounts', 'list'])).out).toContain(' ada ');
    const create = ['accounts', 'create', '--username', 'joe', '--name', 'Joe', '--generate-password'];
    expect(await run(create)).toMatchObject({ code: 0 });
  });

  it('gives an unfinished copy up with --abandon', async () => {
    const { run, env } = await placeWithAccounts();
    await run(['store', 'copy', 'config', 'sqlite:new.db', '--rehearse']);

    const { code, out } = await run(['store', 'copy', '--abandon', 'config']);

    expect({ code, out }).toEqual({
      code: 0,
      out: `${join(env.STRATA_DATA_DIR, 'strata.db')} takes writes and is not being copied any more.\n`,
    });
    expect(await run(['store', 'copy', 'config', 'sqlite:other.db'])).toMatchObject({ code: 0 });
  });

  it('takes addresses from variables, and says that a password belongs there (I7)', async () => {
    const { run } = await emptyPlace();
    await run(['migrate']);
    const url = 'mongodb://strata:s3cr3t@127.0.0.1:1/strata?serverSelectionTimeoutMS=200';

    const named = await run(['store', 'copy', 'config', 'env:NEW_STORE'], { env: { NEW_STORE: url } });
    const spelt = await run(['store', 'copy', 'config', url]);

    expect(named.err).toMatch(/^The MongoDB database strata at 127\.0\.0\.1:1 cannot be reached/);
    expect(spelt.err).toMatch(/^A password on the command line can be read by others.*env:NAME/);
    for (const { code, out, err } of [named, spelt]) {
      expect(code).toBe(1);
      expect(out + err).not.toContain('s3cr3t');
    }
  });

  it.each([
    [['config'], "Missing required argument 'to'."],
    [['config', 'config'], 'A store cannot be copied to itself.'],
    [['sqlite:none.db', 'sqlite:new.db'], /^There is no database at .*none\.db\.$/],
    [['sqlite::memory:', 'sqlite:new.db'], 'A store in memory cannot be copied.'],
    [['config', 'sqlite::memory:'], 'A store in memory cannot be copied.'],
    [['config', 'env:NOBODY_SET_THIS'], 'The environment variable NOBODY_SET_THIS is not set.'],
    [['config', 'postgres://x/y'], /^The store is named as sqlite:NAME or mongodb:/],
    [['config', 'sqlite:new.db', '--frozen-max', '0s'], '--frozen-max is a duration of 1s or more.'],
    [['config', 'sqlite:new.db', '--frozen-max', 'long'], '--frozen-max is a duration of 1s or more.'],
    [['--abandon', 'config'], /strata\.db is not being copied\.$/],
  ])('%j is refused in one sentence', async (argv, sentence) => {
    const { run } = await emptyPlace();
    await run(['migrate']);

    const { code, out, err } = await run(['store', 'copy', ...argv]);

    expect({ code, out }).toEqual({ code: 1, out: '' });
    if (typeof sentence === 'string') expect(err).toBe(`${sentence}\n`);
    else expect(err.trimEnd()).toMatch(sentence);
  });
});
