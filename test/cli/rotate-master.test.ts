// Replacing the master secret as docs/keys.md says, beside servers that run.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyRecords } from '../../src/keys/keyring.ts';
import { masterKeyOf } from '../../src/keys/master-secret.ts';
import { recordTypes } from '../../src/records.ts';
import { openStore } from '../../src/storage/open.ts';
import { patch, type Store } from '../../src/storage/store.ts';
import { addApp, newBrowser, type TestApp, webApp } from '../support/app.ts';
import { testMasterSecret } from '../support/test-config.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { emptyPlace, type Place, type Ran } from './run-cli.ts';

const old = testMasterSecret;
const next = randomBytes(32).toString('base64');
const [oldId, nextId] = [masterKeyOf(old).id, masterKeyOf(next).id];
const onlyOld = { STRATA_MASTER_SECRET: old };
const onlyNext = { STRATA_MASTER_SECRET: next };
const both = { STRATA_MASTER_SECRET: next, STRATA_MASTER_SECRET_PREVIOUS: old };
const moved = (count: number) =>
  `Wrapped ${count} of ${count} keys anew: all are wrapped by the master secret ${nextId} now.\n`;

describe('beside servers that run', () => {
  const servers: TestServer[] = [];
  let forgotten: TestServer;
  let app: TestApp;
  let refreshToken: string;
  let command: (env: Record<string, string>, ...argv: string[]) => Promise<Ran>;
  const printed: string[] = [];

  beforeEach(async () => {
    forgotten = await startTestServer({ file: true });
    servers.push(forgotten);
    app = await addApp(forgotten, webApp);
    const person = await forgotten.addAccount();
    ({ refresh_token: refreshToken } = await app.signIn(newBrowser(forgotten), person));
    const place = await emptyPlace();
    command = async (env, ...argv) => {
      const ran = await place.run(argv, { env: { ...env, STRATA_DATA_DIR: forgotten.dataDir } });
      printed.push(ran.out, ran.err);
      return ran;
    };
  });

  afterEach(async () => {
    const all = [...printed.splice(0), ...servers.flatMap(({ log }) => log)].join('');
    for (const server of servers.splice(0).toReversed()) await server.close();
    expect(all).not.toContain(old);
    expect(all).not.toContain(next);
  });

  async function serverWith(masterSecret: string, previousMasterSecret?: string): Promise<TestServer> {
    const secrets = { masterSecret, ...(previousMasterSecret !== undefined && { previousMasterSecret }) };
    const server = await startTestServer({ beside: forgotten, secrets });
    servers.push(server);
    return server;
  }

  /** The app goes on with its refresh token at this server. */
  async function refreshAt({ origin }: TestServer): Promise<number> {
    const { id, secret } = app;
    const there = await addApp({ origin, addClient: async () => ({ id, secret }) }, webApp);
    const { status, body } = await there.refresh(refreshToken);
    refreshToken = body.refresh_token ?? refreshToken;
    return status;
  }

  it('signs nobody out, may be repeated, and leaves nothing that the old secret opens', async () => {
    const server = await serverWith(next, old);
    expect(await refreshAt(server)).toBe(200);

    expect(await command(both, 'keys', 'rotate-master')).toEqual({
      code: 0,
      out: moved(9),
      err: 'Remove the previous master secret from the settings of every process.\n',
    });
    await server.server.reloadKeys();
    expect(await refreshAt(server)).toBe(200);
    expect(await command(both, 'keys', 'rotate-master')).toMatchObject({
      code: 0,
      out: `All 9 keys are wrapped by the master secret ${nextId} already.\n`,
    });

    expect(await refreshAt(await serverWith(next))).toBe(200);
    const listed = JSON.parse((await command(onlyNext, 'keys', 'list', '--json')).out);
    expect(listed.map((key: { wrapped_by: string }) => key.wrapped_by)).toEqual(Array(9).fill(nextId));
    expect(await command(onlyOld, 'keys', 'list')).toEqual({
      code: 1,
      out: '',
      err: `The key refresh.1 in the store wants the master secret ${nextId}, and the one that is set is ${oldId}.\n`,
    });
  });

  it('leaves a server that was forgotten at work with the keys it has, and that server says what it lacks', async () => {
    await command(both, 'keys', 'rotate-master');

    await expect(forgotten.server.reloadKeys()).rejects.toThrow(`wants the master secret ${nextId}`);
    expect(await refreshAt(forgotten)).toBe(200);
  });

  it('finds what a server makes with the old secret meanwhile, at the latest when it is repeated', async () => {
    const server = await serverWith(old, next);
    await Promise.all([
      command(both, 'keys', 'rotate-master'),
      server.server.keyring.rotate('qr', { leadMs: 0 }),
      server.server.keyring.rotate('form', { leadMs: 0 }),
    ]);

    await command(both, 'keys', 'rotate-master');

    const { out } = await command(onlyNext, 'keys', 'list', '--json');
    expect(JSON.parse(out)).toHaveLength(11);
    expect(out).not.toContain(oldId);
  });
});

describe('in a place of its own', () => {
  let place: Place;
  beforeEach(async () => {
    place = await emptyPlace();
    await place.run(['clients', 'create', '--name', 'Job', '--type', 'service'], { env: onlyOld });
  });

  const rotateMaster = (env: Record<string, string>) => place.run(['keys', 'rotate-master'], { env });

  async function withStore<Result>(work: (store: Store) => Promise<Result>): Promise<Result> {
    const store = await openStore({
      url: 'sqlite:strata.db',
      dataDir: place.env.STRATA_DATA_DIR,
      types: recordTypes,
    });
    return work(store).finally(() => store.close());
  }

  const storedKeys = () => withStore((store) => store.scan(keyRecords, { limit: 100 }));

  it('takes both secrets from files, also the one that development made', async () => {
    const fresh = await emptyPlace();
    await fresh.run(['clients', 'create', '--name', 'Job', '--type', 'service']);
    const env = {
      STRATA_MASTER_SECRET_FILE: await fresh.write('master', `${next}\n`),
      STRATA_MASTER_SECRET_PREVIOUS_FILE: join(fresh.env.STRATA_DATA_DIR, 'master.key'),
    };

    expect(await fresh.run(['keys', 'rotate-master'], { env })).toMatchObject({ code: 0, out: moved(9) });
  });

  it('says that nothing is being replaced where no previous secret is set', async () => {
    expect(await rotateMaster(onlyOld)).toEqual({
      code: 0,
      out: `All 9 keys are wrapped by the master secret ${oldId} already.\n`,
      err: 'No previous master secret is set, so none is being replaced: see docs/keys.md.\n',
    });
  });

  it.each([
    [
      'the same secret twice',
      { STRATA_MASTER_SECRET: old, STRATA_MASTER_SECRET_PREVIOUS: old },
      /STRATA_MASTER_SECRET_PREVIOUS is the current master secret as well/,
    ],
    [
      'a weak new one',
      { STRATA_MASTER_SECRET: 'changeme-changeme-changeme-changeme', STRATA_MASTER_SECRET_PREVIOUS: old },
      /STRATA_MASTER_SECRET contains a well-known word/,
    ],
    [
      'a new one alone',
      { STRATA_MASTER_SECRET: next },
      new RegExp(
        `^The key refresh\\.1 in the store wants the master secret ${oldId}, and .* is ${nextId}\\.\n$`,
      ),
    ],
  ])('refuses %s and changes nothing', async (_what, env, sentence) => {
    const before = await storedKeys();

    expect(await rotateMaster(env)).toEqual({ code: 1, out: '', err: expect.stringMatching(sentence) });
    expect(await storedKeys()).toEqual(before);
  });

  it('refuses where one key does not open, names it, and changes nothing', async () => {
    const sealed = { set: [[['sealed'], 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA']] } as const;
    await withStore((store) => store.commit([patch(keyRecords, 'ticket.1', sealed)]));
    const before = await storedKeys();

    expect(await rotateMaster(both)).toEqual({
      code: 1,
      out: '',
      err: `The key ticket.1 in the store is damaged: the master secret ${oldId}, which it names, does not open it.\n`,
    });
    expect(await storedKeys()).toEqual(before);
  });
});
