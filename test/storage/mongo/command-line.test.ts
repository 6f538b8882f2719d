// The commands on a MongoDB, as an operator types them.
import { type Db, MongoClient } from 'mongodb';
import { expect, it, onTestFinished } from 'vitest';
import { emptyPlace, serve } from '../../cli/run-cli.ts';
import { describeMongo, freshDatabase } from '../../support/mongo.ts';

async function emptyDatabase() {
  const database = freshDatabase();
  onTestFinished(database.drop);
  return { ...(await emptyPlace()), url: database.url, env: { STRATA_STORE_URL: database.url } };
}

async function withDatabase(url: string, work: (db: Db) => Promise<unknown>): Promise<void> {
  const client = new MongoClient(url);
  await work(client.db());
  await client.close();
}

describeMongo('the commands on a MongoDB', () => {
  it('want strata migrate first, and work then', async () => {
    const { run, env } = await emptyDatabase();
    const create = [
      'accounts',
      'create',
      '--email',
      'ada@example.com',
      '--name',
      'Ada',
      '--generate-password',
    ];

    const before = await run(create, { env });
    const migration = await run(['migrate'], { env });
    const again = await run(['migrate'], { env });
    const created = await run(create, { env });
    const listed = await run(['accounts', 'list', '--json'], { env });

    expect(before).toEqual({
      code: 1,
      out: '',
      err: expect.stringMatching(
        /^The MongoDB database strata_test_\w+ at \S+ is not prepared yet: run strata migrate\.\n$/,
      ),
    });
    expect(migration).toMatchObject({ code: 0, err: '' });
    expect(migration.out).toMatch(/^Made the collection tokens\.$/m);
    expect(migration.out).toMatch(/^Made the index \S+ of sessions\.$/m);
    expect(again.out).toMatch(/^The schema of the MongoDB database \S+ at \S+ is that of this release\.\n$/);
    expect(created.code).toBe(0);
    expect(JSON.parse(listed.out)).toEqual([expect.objectContaining({ email: 'ada@example.com' })]);
  });

  it('name indexes that are of no use, and drop them by request alone', async () => {
    const { run, env, url } = await emptyDatabase();
    await run(['migrate'], { env });
    await withDatabase(url, (db) => db.collection('lasting').createIndex({ extra: 1 }, { name: 'extra' }));

    const told = await run(['migrate'], { env });
    const dropped = await run(['migrate', '--drop-unused'], { env });

    expect(told.out).not.toContain('extra');
    expect(told.err).toMatch(
      /^This release has no use for the index extra of lasting\.\n.* --drop-unused .*\n$/,
    );
    expect(dropped).toMatchObject({ code: 0, err: '' });
    expect(dropped.out).toMatch(/^Dropped the index extra of lasting\.$/m);
  });

  it('run a server, which refuses to start where nothing was prepared', async () => {
    const place = await emptyDatabase();
    const refused = await serve(await emptyPlace(), { env: place.env });
    expect((await refused.exit).code).toBe(1);
    expect(refused.err()).toMatch(/is not prepared yet: run strata migrate\.\n$/);

    await place.run(['migrate'], { env: place.env });
    const running = await serve(await emptyPlace(), { env: place.env });
    await running.ready();
    const ready = await fetch(`${running.origin}/readyz`);
    running.child.kill('SIGTERM');

    expect(ready.status).toBe(200);
    expect((await running.exit).code).toBe(0);
  });
});
