// The restore drill with nothing but the program itself: servers and commands are processes of their own, on the
// machine's clock, and the backup is made under load.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { emptyPlace, type Place, type Ran, type Running, serve } from '../cli/run-cli.ts';
import { addApp, nativeApp, type TestApp, webApp } from '../support/app.ts';
import { freePort } from '../support/free-port.ts';
import { runsOnMongo } from '../support/test-store.ts';
import { userAgent } from '../support/user-agent.ts';

const bin = fileURLToPath(new URL('../../bin/strata.js', import.meta.url));
const person = { email: 'ada@example.com', password: 'correct horse battery' };

it.skipIf(runsOnMongo())(
  'brings a server back to a backup that was made beside it, with its devices and without its codes',
  async () => {
    const place = await emptyPlace();
    await strata(
      place,
      ['accounts', 'create', '--name', 'Ada', '--email', person.email, '--password-stdin'],
      person.password,
    );
    const backup = join(place.directory, 'backup.db');
    const env = { PORT: String(await freePort()), STRATA_LOG_LEVEL: 'info' };
    const first = await ready(place, env);
    const [web, native] = await Promise.all(
      [webApp, nativeApp].map((app) => addApp(from(place, first), app)),
    );
    if (!web || !native) throw new Error('two apps');

    const signIn = (app: TestApp) => app.signIn(userAgent(first.origin), person);
    const devices = await Promise.all(
      [web, native, native].map(async (app) => ({ app, ...(await signIn(app)) })),
    );
    const [code, redeemed] = [
      await native.code(userAgent(first.origin), person),
      await native.code(userAgent(first.origin), person),
    ];

    // Each refresh writes an access token, also where its chain does not move on.
    const load = refreshUntil([{ app: web, ...(await signIn(web)) }]);
    const { out } = await strata(place, ['backup', backup]);
    await load.stop();
    expect(out).toMatch(/^ +4 device_session$/m);
    const ahead = await Promise.all(devices.map(async (device) => refreshed(device, 3)));
    expect((await native.redeem(redeemed)).status).toBe(200);
    await ended(first);

    const { out: restored } = await strata(place, ['restore', backup, '--sessions', 'keep']);
    expect(restored).toContain('Device sessions that were kept: 4.');
    expect(restored).toContain('6 authorization_code');

    const second = await ready(place, env);
    for (const used of [code, redeemed]) expect((await native.redeem(used)).status).toBe(400);
    const after = await Promise.all(ahead.map(async (device) => refreshed(device, 5)));
    expect(after.every(({ refresh_token }) => refresh_token.startsWith('rt_'))).toBe(true);
    expect(second.err().match(/a refresh token is newer than the store/g)).toHaveLength(3);
    expect(second.err()).not.toContain('a stolen refresh token was shown');
    await ended(second);
  },
  120_000,
);

interface Device {
  app: TestApp;
  refresh_token: string;
}

async function refreshed({ app, refresh_token }: Device, times: number): Promise<Device> {
  let token = refresh_token;
  for (let time = 0; time < times; time += 1) {
    const answer = await app.refresh(token);
    expect(answer).toMatchObject({ status: 200 });
    token = answer.body.refresh_token;
  }
  return { app, refresh_token: token };
}

/** Refreshes all devices again and again, and leaves each with its newest token. */
function refreshUntil(devices: Device[]): { stop(): Promise<void> } {
  let isOver = false;
  const loops = devices.map(async (device) => {
    while (!isOver) Object.assign(device, await refreshed(device, 1));
  });
  return {
    stop: async () => {
      isOver = true;
      await Promise.all(loops);
    },
  };
}

function from(place: Place, { origin }: Running): Parameters<typeof addApp>[0] {
  const addClient = async (metadata: object) => {
    const file = await place.write(`${JSON.stringify(metadata).length}.json`, metadata);
    const { out } = await strata(place, ['clients', 'import', file, '--json']);
    const [{ client_id: id, client_secret: secret = '' }] = JSON.parse(out);
    return { id, secret };
  };
  return { origin, addClient };
}

async function ready(place: Place, env: Record<string, string>): Promise<Running> {
  const server = await serve(place, { env });
  await server.ready();
  return server;
}

async function ended({ child, exit }: Running): Promise<void> {
  child.kill('SIGTERM');
  expect(await exit).toEqual({ code: 0, signal: null });
}

/** A command as a process; throws unless it succeeds. */
async function strata(place: Place, argv: readonly string[], input = ''): Promise<Ran> {
  const child = spawn(process.execPath, [bin, ...argv], { env: { ...process.env, ...place.env } });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.end(input);
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (code !== 0) throw new Error(`strata ${argv.join(' ')}: ${err}`);
  return { code, out, err };
}
