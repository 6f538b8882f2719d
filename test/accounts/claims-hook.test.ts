import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ClaimsHookSettings, createClaimsHook } from '../../src/accounts/claims-hook.ts';
import type { AccountId } from '../../src/core/ids.ts';
import { testClock } from '../support/test-clock.ts';

const account = {
  id: 'acc_alice' as AccountId,
  groups: ['staff'],
  roles: ['editor'],
  attributes: { plan: 'gold' },
  password: { hash: 'never leaves', changedAt: 0 },
};
const request = { account, clientId: 'app', api: 'https://api.example' };

describe('claimsFor', () => {
  it('asks with the account, the client and the API, signed', async () => {
    const asked: { method: string | undefined; headers: IncomingMessage['headers']; body: string }[] = [];
    const { hook, clock } = await setUp(async (incoming, response) => {
      asked.push({ method: incoming.method, headers: incoming.headers, body: await text(incoming) });
      answer(response, { department: 'books' });
    });

    await expect(hook.claimsFor(request)).resolves.toEqual({
      kind: 'claims',
      claims: { department: 'books' },
    });

    const [only] = asked;
    expect(JSON.parse(only?.body ?? '')).toEqual({
      account: { id: 'acc_alice', groups: ['staff'], roles: ['editor'], attributes: { plan: 'gold' } },
      client_id: 'app',
      api: 'https://api.example',
    });
    const seconds = clock.now() / 1000;
    const signature = createHmac('sha256', 'shared secret').update(`${seconds}.${only?.body}`).digest('hex');
    expect(asked).toHaveLength(1);
    expect(only?.method).toBe('POST');
    expect(only?.headers['content-type']).toBe('application/json');
    expect(only?.headers['strata-signature']).toBe(`t=${seconds},v1=${signature}`);
  });

  it('signs nothing without a key', async () => {
    let header: unknown = 'not asked';
    const { url } = await serve(async (incoming, response) => {
      header = incoming.headers['strata-signature'];
      answer(response, {});
    });
    const hook = createClaimsHook({ clock: testClock(), log: noLog }, { url, timeout: 5_000 });

    await hook.claimsFor(request);

    expect(header).toBeUndefined();
  });

  it('drops what only the server may say', async () => {
    const reserved =
      'iss sub aud exp nbf iat jti sid azp client_id scope acr amr auth_time nonce cnf act platform';
    const forged = Object.fromEntries(reserved.split(' ').map((name) => [name, 'forged']));
    const { hook } = await setUp(async (_incoming, response) => {
      response.setHeader('content-type', 'application/json');
      const body = JSON.stringify({ ...forged, ok: [1, { two: null }] });
      response.end(body.replace('{', '{"__proto__":{"admin":true},'));
    });

    const answered = await hook.claimsFor(request);

    expect(answered).toEqual({ kind: 'claims', claims: { ok: [1, { two: null }] } });
    expect(answered.kind === 'claims' && 'admin' in answered.claims).toBe(false);
  });

  it('takes an answer of 16 KB and none that is a byte longer', async () => {
    const frame = JSON.stringify({ big: '' }).length;
    let size = 16_384;
    const { hook } = await setUp(async (_incoming, response) => {
      answer(response, { big: 'x'.repeat(size - frame) });
    });
    await expect(hook.claimsFor(request)).resolves.toMatchObject({ kind: 'claims' });

    size += 1;

    await expect(hook.claimsFor(request)).resolves.toEqual({ kind: 'unavailable' });
  });

  it('follows no redirect', async () => {
    let leaked = false;
    const elsewhere = await serve(async (_incoming, response) => {
      leaked = true;
      answer(response, { role: 'admin' });
    });
    const { hook } = await setUp(async (_incoming, response) => {
      response.writeHead(307, { location: elsewhere.url }).end();
    });

    await expect(hook.claimsFor(request)).resolves.toEqual({ kind: 'unavailable' });
    expect(leaked).toBe(false);
  });

  it.each([
    ['an error', async (_: unknown, response: ServerResponse) => answer(response, { a: 1 }, 500)],
    ['no content', async (_: unknown, response: ServerResponse) => void response.writeHead(204).end()],
    ['an array', async (_: unknown, response: ServerResponse) => answer(response, [1])],
    ['null', async (_: unknown, response: ServerResponse) => answer(response, null)],
    ['a string', async (_: unknown, response: ServerResponse) => answer(response, 'claims')],
    ['no JSON', async (_: unknown, response: ServerResponse) => void response.end('<html>')],
    ['nothing', async (_: unknown, response: ServerResponse) => void response.end()],
    ['half an answer', async (_: unknown, response: ServerResponse) => cutShort(response)],
    ['an answer without end', async (_: unknown, response: ServerResponse) => endless(response)],
    [
      'a small answer that unpacks to a large one',
      async (_: unknown, response: ServerResponse) => bomb(response),
    ],
    ['a connection that breaks', async (_: unknown, response: ServerResponse) => void response.destroy()],
  ])('counts %s as a failure', async (_name, respond) => {
    const { hook } = await setUp(respond);

    await expect(hook.claimsFor(request)).resolves.toEqual({ kind: 'unavailable' });
  });

  it('waits no longer than it may, be it for the first byte or for the last', async () => {
    const silent = await setUp(async () => undefined, { timeout: 50 });
    const slow = await setUp(async (_incoming, response) => void response.write('{"a":'), { timeout: 50 });

    await expect(silent.hook.claimsFor(request)).resolves.toEqual({ kind: 'unavailable' });
    await expect(slow.hook.claimsFor(request)).resolves.toEqual({ kind: 'unavailable' });
  });

  it('goes on without claims where the operator says so, and logs neither account nor answer', async () => {
    const { hook, logged } = await setUp(async (_incoming, response) => void response.end('not { JSON'), {
      onFailure: 'ignore',
    });

    await expect(hook.claimsFor(request)).resolves.toEqual({ kind: 'claims', claims: {} });

    expect(logged).toEqual([{ failure: 'the answer is no JSON', api: 'https://api.example' }]);
  });

  it('fails like any other when nobody listens', async () => {
    const { hook, close } = await setUp(async () => undefined);
    await close();

    await expect(hook.claimsFor(request)).resolves.toEqual({ kind: 'unavailable' });
  });

  it('asks no more than so many at once (I12)', async () => {
    const held: ServerResponse[] = [];
    let most = 0;
    const { hook } = await setUp(async (_incoming, response) => {
      held.push(response);
      most = Math.max(most, held.length);
      // Answers in groups of as many as may come at once; the pause gives a call too many time to show.
      if (held.length === 32) setTimeout(() => held.splice(0).map((one) => answer(one, {})), 30);
    });

    const answers = await Promise.all(Array.from({ length: 96 }, () => hook.claimsFor(request)));

    expect(answers.every((one) => one.kind === 'claims')).toBe(true);
    expect(most).toBe(32);
  });
});

type Respond = (incoming: IncomingMessage, response: ServerResponse) => Promise<void>;

const noLog = { warn: () => undefined };

async function setUp(respond: Respond, settings: Partial<ClaimsHookSettings> = {}) {
  const { url, close } = await serve(respond);
  const clock = testClock();
  const logged: object[] = [];
  const log = { warn: (facts: object) => void logged.push(facts) };
  const hook = createClaimsHook(
    { clock, log },
    { url, timeout: 5_000, secret: 'shared secret', onFailure: 'refuse', ...settings },
  );
  return { hook, clock, logged, close };
}

async function serve(respond: Respond) {
  const server = createServer((incoming, response) => void respond(incoming, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(close);
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/claims`, close };
}

function answer(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function cutShort(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': '100' });
  response.write('{"a":1}', () => response.destroy());
}

function endless(response: ServerResponse): void {
  const chunk = `${' '.repeat(1_000)}`;
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  more();
}

function bomb(response: ServerResponse): void {
  response.writeHead(200, { 'content-encoding': 'gzip' });
  response.end(gzipSync(JSON.stringify({ big: 'x'.repeat(1_000_000) })));
}
