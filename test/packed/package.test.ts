// The package as others get it: packed, installed into an empty project, run from there. What only works in
// the clone (types that Node strips, files that are not in the package) shows here.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_PASSWORD, demoAccounts } from '../../src/demo.ts';
import { callbackOf } from '../support/sign-in.ts';
import { formOf, userAgent } from '../support/user-agent.ts';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../..', import.meta.url));

let project: string;
let server: ChildProcess;
let issuer: string;
const printed: string[] = [];

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'strata-packed-'));
  await run('npm', ['pack', '--pack-destination', project], { cwd: repository });
  const [tarball = ''] = (await readdir(project)).filter((name) => name.endsWith('.tgz'));
  await writeFile(join(project, 'package.json'), '{ "private": true }');
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', `./${tarball}`], {
    cwd: project,
  });

  const port = await freePort();
  issuer = `http://127.0.0.1:${port}`;
  server = spawn(process.execPath, [join(project, 'node_modules/.bin/strata'), 'serve'], {
    cwd: project,
    env: { ...process.env, PORT: String(port), STRATA_DATA_DIR: join(project, 'kept'), STRATA_CONFIG: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  server.stdout?.on('data', (chunk) => printed.push(String(chunk)));
  server.stderr?.on('data', (chunk) => printed.push(String(chunk)));
  await healthy();
}, 180_000);

afterAll(async () => {
  server.kill('SIGKILL');
  await rm(project, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Asks until the server answers; gives up with what it printed. */
async function healthy(): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (Date.now() < deadline && server.exitCode === null) {
    const answer = await fetch(`${issuer}/healthz`).catch(() => undefined);
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the server did not come up:\n${printed.join('')}`);
}

describe('the installed package', () => {
  it('helps', async () => {
    const { stdout } = await run('npx', ['--no-install', 'strata', '--help'], { cwd: project });

    expect(stdout).toContain('serve');
    expect(stdout).toContain('accounts');
  });

  it('holds no sources, tests or tools', async () => {
    const files = await readdir(join(project, 'node_modules/strata'));

    expect(files).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'bin', 'config', 'dist', 'locales', 'public', 'views']),
    );
    for (const name of ['src', 'test', 'scripts', 'bench', '.ci', '.data']) expect(files).not.toContain(name);
  });

  it('publishes discovery for its issuer', async () => {
    for (const name of ['openid-configuration', 'oauth-authorization-server']) {
      const answer = await fetch(`${issuer}/.well-known/${name}`);

      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ issuer });
    }
  });

  it('completes a code flow with an ordinary client library', async () => {
    const config = await client.discovery(new URL(issuer), 'playground-pc', undefined, client.None(), {
      execute: [client.allowInsecureRequests],
    });
    const verifier = client.randomPKCECodeVerifier();
    const state = client.randomState();
    const address = client.buildAuthorizationUrl(config, {
      redirect_uri: `${issuer}/playground/pc`,
      scope: 'openid profile offline_access',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
    });

    // The app's address is on this server too, so the browser must not follow the last step.
    const browser = userAgent(issuer);
    const page = await browser.open(address.href);
    const { action, fields } = formOf(page);
    const resume = await browser.post(action, {
      ...fields,
      identifier: demoAccounts[0].email,
      password: DEMO_PASSWORD,
    });
    const answer = await browser.get(resume.headers.get('location') ?? '');
    const callback = callbackOf(answer);

    const tokens = await client.authorizationCodeGrant(config, callback, {
      pkceCodeVerifier: verifier,
      expectedState: state,
    });
    expect(tokens.claims()?.sub).toMatch(/^acc_/);
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '');
    expect(refreshed.refresh_token).not.toBe(tokens.refresh_token);
  });

  it('stops when it is told to, with exit code 0', async () => {
    const exit = once(server, 'exit');
    server.kill('SIGTERM');

    expect(await exit).toEqual([0, null]);
  });
});
