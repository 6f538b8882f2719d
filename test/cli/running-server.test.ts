// Commands beside a server that runs on the same file: what they change is in force there without a restart.
import { decodeProtectedHeader } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addApp, getJson, newBrowser, type TestApp, webApp } from '../support/app.ts';
import { testMasterSecret } from '../support/test-config.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { emptyPlace, type Ran } from './run-cli.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let strata: TestServer;
let web: TestApp;
let person: Awaited<ReturnType<TestServer['addAccount']>>;
let strataCommand: (...argv: string[]) => Promise<Ran>;

beforeEach(async () => {
  strata = await startTestServer({ file: true });
  [web, person] = await Promise.all([addApp(strata, webApp), strata.addAccount()]);
  const place = await emptyPlace();
  const env = { STRATA_DATA_DIR: strata.dataDir, STRATA_MASTER_SECRET: testMasterSecret };
  strataCommand = (...argv) => place.run(argv, { env });
});

afterEach(() => strata.close());

async function publishedKeys(): Promise<string[]> {
  const { body } = await getJson(`${strata.origin}/jwks`);
  return body.keys.map(({ kid }: { kid: string }) => kid);
}

async function signingKey(): Promise<string | undefined> {
  const { id_token } = await web.signIn(newBrowser(strata), person);
  return decodeProtectedHeader(id_token).kid;
}

describe('strata keys rotate', () => {
  it('publishes a key at the next reading, signs with it after the lead, and keeps the old one', async () => {
    const [old] = await publishedKeys();
    const { code, out, err } = await strataCommand('keys', 'rotate');
    expect(code).toBe(0);
    // The command has a clock of its own, and takes its time.
    expect(out).toMatch(/^Key signing 2 is in use from 2026-01-01T00:10:\d\dZ on\.$/m);
    expect(out).toMatch(/^Key signing 1 still verifies, until 2026-01-02T00:10:\d\dZ\.$/m);
    expect(err).toBe('Running servers take it up at once, or within 30 seconds; none needs a restart.\n');

    await strata.server.reloadKeys();
    expect(await publishedKeys()).toHaveLength(2);
    expect(await signingKey()).toBe(old);

    strata.clock.advance(11 * MINUTE);
    await strata.server.reloadKeys();
    const next = await signingKey();
    expect(next).not.toBe(old);
    expect(await publishedKeys()).toEqual([next, old]);
    const list = JSON.parse((await strataCommand('keys', 'list', '--use', 'signing', '--json')).out);
    expect(list).toMatchObject([
      { key: '2', state: 'in_use', kid: next },
      {
        key: '1',
        state: 'verifies',
        kid: old,
        verifies_until: expect.stringMatching(/^2026-01-02T00:10:\d\dZ$/),
      },
    ]);

    strata.clock.advance(25 * HOUR);
    await strata.server.reloadKeys();
    expect(await publishedKeys()).toEqual([next]);
  });

  it('of the key of refresh tokens signs nobody out', async () => {
    const { refresh_token } = await web.signIn(newBrowser(strata), person);
    await strataCommand('keys', 'rotate', '--use', 'refresh');
    await strata.server.reloadKeys();
    strata.clock.advance(2 * MINUTE);

    const refreshed = await web.refresh(refresh_token);

    expect(refreshed.status).toBe(200);
    expect((await web.refresh(refreshed.body.refresh_token)).status).toBe(200);
  });

  it('lists keys of every use, and none of their secret parts', async () => {
    const { out } = await strataCommand('keys', 'list');

    expect(out).toMatch(
      /^USE +KEY +STATE +CREATED +IN USE FROM +VERIFIES UNTIL +WRAPPED BY +KID IN JWKS\nrefresh +1 +in use /,
    );
    expect(out.trim().split('\n')).toHaveLength(1 + 9);
    expect(out).toContain((await publishedKeys())[0]);
  });
});

describe('strata accounts lock', () => {
  it('signs every device out at once, tells them why, and refuses the next sign-in until it is undone', async () => {
    const browser = newBrowser(strata);
    const tokens = await web.signIn(browser, person);

    const { out } = await strataCommand('accounts', 'lock', person.email, '--ban');

    expect(out).toBe(`${person.email} (${person.id}) is locked; 1 session ended.\n`);
    expect((await web.refresh(tokens.refresh_token)).body).toMatchObject({
      error: 'invalid_grant',
      error_reason: 'banned',
    });
    expect((await web.introspect(tokens.access_token)).body).toEqual({ active: false });
    await expect(web.signIn(newBrowser(strata), person)).rejects.toThrow('no redirect');

    await strataCommand('accounts', 'unlock', person.email);
    strata.clock.advance(MINUTE);
    expect((await web.signIn(newBrowser(strata), person)).refresh_token).toBeDefined();
  });
});

describe('strata clients create', () => {
  it('makes a client that works in the running server', async () => {
    const { out } = await strataCommand('clients', 'create', '--name', 'Job', '--type', 'service', '--json');
    const { client_id, client_secret } = JSON.parse(out);

    const answer = await web.post(
      '/token',
      { grant_type: 'client_credentials', resource: 'https://demo-api.example', scope: 'demo:read' },
      { authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}` },
    );

    expect(answer.status).toBe(200);
  });
});
