import { getServers, setServers } from 'node:dns';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLog } from '../../../src/core/log.ts';
import { type Connection, connect } from '../../../src/storage/mongo/connection.ts';
import { type Answer, fakeMongod, PRIMARY } from '../../support/fake-mongod.ts';
import { describeMongo, freshDatabase } from '../../support/mongo.ts';

/** For those whom nobody answers; long enough for a busy machine to find that out. */
const QUICK = 'serverSelectionTimeoutMS=1500';

async function connected(url: string): Promise<Connection> {
  const connection = await connect(url);
  onTestFinished(() => connection.client.close());
  return connection;
}

/** As a driver meets it that was not told of a replica set. */
async function alone(hello: Answer): Promise<string> {
  return `${await fakeMongod(() => hello)}/strata?directConnection=true`;
}

/** Names are asked for where nobody listens, so that no question leaves the machine. */
function noNameServer(): void {
  const before = getServers();
  setServers(['127.0.0.1:1']);
  onTestFinished(() => setServers(before));
}

describe('connect', () => {
  it('refuses a server that is in no replica set, and says how to make one', async () => {
    const server = await alone({ isWritablePrimary: true, helloOk: true });

    await expect(connect(`mongodb://${server}`)).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: expect.stringMatching(
        /^the MongoDB database strata at 127\.0\.0\.1:\d+ is no replica set, .*rs\.initiate\(\)/,
      ),
    });
  });

  it('refuses a server before MongoDB 7.0', async () => {
    const server = await alone({ ...PRIMARY, maxWireVersion: 20 });

    await expect(connect(`mongodb://${server}`)).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: expect.stringMatching(/ is too old: Strata needs MongoDB 7\.0 or newer$/),
    });
  });

  it('refuses to be bound to one member of several, which may answer reads when it is behind', async () => {
    const server = await alone({ ...PRIMARY, maxWireVersion: 21, hosts: ['a:27017', 'b:27017'] });

    await expect(connect(`mongodb://${server}`)).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: expect.stringMatching(/ is one member of several: take directConnection out of the URL$/),
    });
  });

  it('refuses one that the driver itself does not know any more', async () => {
    const server = await alone({ ...PRIMARY, maxWireVersion: 6 });

    await expect(connect(`mongodb://${server}&${QUICK}`)).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: expect.stringContaining('cannot be reached: '),
    });
  });

  it('takes a router of a sharded cluster', async () => {
    const server = await alone({ isWritablePrimary: true, helloOk: true, msg: 'isdbgrid' });

    expect((await connected(`mongodb://${server}`)).isSharded).toBe(true);
  });

  it('says where nobody answers', async () => {
    await expect(connect(`mongodb://127.0.0.1:1/strata?${QUICK}`)).rejects.toMatchObject({
      code: 'store_unavailable',
      detail:
        'the MongoDB database strata at 127.0.0.1:1 cannot be reached: connect ECONNREFUSED 127.0.0.1:1',
    });
  });

  it.each([
    ['authSource', { code: 18, codeName: 'AuthenticationFailed', errmsg: 'Authentication failed.' }],
    ['role readWrite', { code: 13, codeName: 'Unauthorized', errmsg: 'not authorized' }],
  ])('names the %s where the user is refused', async (words, failure) => {
    const server = await fakeMongod((command) =>
      command === 'saslStart' ? { ok: 0, ...failure } : { ...PRIMARY },
    );
    const url = `mongodb://strata:s3cr3t@${server}/strata?directConnection=true&authMechanism=PLAIN`;

    await expect(connect(url)).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: expect.stringContaining(words),
    });
  });

  it.each([
    ['an option that does not exist', 'nothing=1'],
    ['an option that cannot be read', 'tls=perhaps'],
    ['options that exclude each other', 'loadBalanced=true&replicaSet=rs'],
  ])('refuses %s', async (_, option) => {
    await expect(connect(`mongodb://db/strata?${option}`)).rejects.toMatchObject({
      code: 'store_unavailable',
      detail: expect.stringMatching(/^the MongoDB URL cannot be used: /),
    });
  });

  it.each([
    ['mongodb://strata:s3cr3t@127.0.0.1:1/strata', QUICK],
    ['mongodb://strata:s3cr3t@127.0.0.1:1/strata', `nothing=1&${QUICK}`],
    ['mongodb://strata:s3cr3t@db:99999/strata', QUICK],
    ['mongodb+srv://strata:s3cr3t@cluster.example/strata', QUICK],
    ['mongodb+srv://strata:s3cr3t@one,two/strata', QUICK],
  ])('keeps the password out of what is said of %s?%s (I7)', async (url, settings) => {
    noNameServer();
    const error = await connect(`${url}?${settings}`).catch((failure: unknown) => failure);
    const lines: string[] = [];
    createLog({ level: 'error', destination: { write: (line) => lines.push(line) } }).error(
      { err: error },
      'x',
    );

    expect(error).toMatchObject({ code: 'store_unavailable' });
    expect(inspect(error, { depth: 12, showHidden: true })).not.toContain('s3cr3t');
    expect(lines.join()).not.toContain('s3cr3t');
  });
});

describeMongo('connect, to a replica set', () => {
  it('waits for nothing without an end, and acknowledges nothing that could be rolled back', async () => {
    const { client } = await connected(freshDatabase().url);

    expect(client.options).toMatchObject({
      maxPoolSize: 30,
      minPoolSize: 5,
      maxConnecting: 4,
      maxIdleTimeMS: 120_000,
      waitQueueTimeoutMS: 1_000,
      serverSelectionTimeoutMS: 5_000,
      connectTimeoutMS: 5_000,
      socketTimeoutMS: 10_000,
      compressors: ['none'],
      ignoreUndefined: true,
      retryWrites: true,
      retryReads: true,
      appName: 'strata',
    });
    expect(client.options.writeConcern).toMatchObject({ w: 'majority', journal: true });
    expect(client.options.readPreference.mode).toBe('primary');
  });

  it('lets the URL decide what is safe to decide', async () => {
    const { url } = freshDatabase();
    const settings = 'maxPoolSize=50&sockettimeoutms=20000&appName=mine';
    const { client } = await connected(`${url}${url.includes('?') ? '&' : '?'}${settings}`);

    expect(client.options).toMatchObject({
      maxPoolSize: 50,
      socketTimeoutMS: 20_000,
      appName: 'mine',
      waitQueueTimeoutMS: 1_000,
    });
  });

  it('tells what time the server has', async () => {
    const { serverTime } = await connected(freshDatabase().url);

    expect(Math.abs((await serverTime()) - Date.now())).toBeLessThan(60_000);
  });
});
