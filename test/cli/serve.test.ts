// The server as a process: what it prints, how it refuses to start, how it stops. Each start takes its time, so
// the tests are few and each looks at all that one start shows.
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { openPc } from '../support/qr-parties.ts';
import type { TestServer } from '../support/test-server.ts';
import { emptyPlace, serve } from './run-cli.ts';

describe('strata serve', () => {
  it('says where it is, who can sign in and what to beware of, and stops when it is told to', async () => {
    const place = await emptyPlace('playground: true\ndemo: true\nqr: { confirm: tap }\n');
    const lax = {
      client_id: 'old-shop',
      redirect_uris: ['https://shop.example/callback'],
      require_pkce: false,
    };
    await place.run(['clients', 'import', '-'], { input: JSON.stringify(lax) });
    const server = await serve(place, { env: { STRATA_LOG_LEVEL: 'info' } });
    await server.ready();

    expect(server.out()).toContain(
      `\nStrata is ready at ${server.origin}\n  playground  ${server.origin}/\n`,
    );
    expect(server.out()).toMatch(/accounts +ada@example\.com, lin@example\.com {3}password strata-demo\n/);
    expect(server.out()).toMatch(
      /clients +playground-pc, .* no secret\n +demo-shop, demo-service {3}secret /,
    );
    expect(server.err()).toContain('qr.confirm is tap');
    expect(server.err()).toMatch(/"clientId":"old-shop","msg":"a client may do without PKCE/);
    expect(server.err()).not.toContain('"clientId":"demo-shop"');
    expect((await fetch(`${server.origin}/healthz`)).status).toBe(200);
    expect((await stat(place.env.STRATA_DATA_DIR)).mode & 0o777).toBe(0o700);

    server.child.kill('SIGINT');

    expect(await server.exit).toEqual({ code: 0, signal: null });
    expect(server.err()).toContain('"msg":"stopping"');
  });

  it('refuses a port that is taken in one sentence, and leaves nothing running', async () => {
    const place = await emptyPlace();
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };

    const server = await serve(place, { env: { PORT: String(port) } });

    expect(await server.exit).toEqual({ code: 1, signal: null });
    expect(server.err()).toBe(
      `Port ${port} on 127.0.0.1 is taken: stop what listens there, or set PORT to another one.\n`,
    );
    expect(server.out()).toBe('');
    other.close();
  });

  it('tells the whole story of an error to those who ask for it, and nobody else', async () => {
    const place = await emptyPlace();
    const env = { STRATA_STORE_URL: 'sqlite:/dev/null/strata.db' };

    const [brief, whole] = await Promise.all([
      serve(place, { env }),
      serve(place, { env: { ...env, STRATA_LOG_LEVEL: 'debug' } }),
    ]);

    expect(await brief.exit).toEqual({ code: 1, signal: null });
    expect(brief.err()).toMatch(
      /^The database file \/dev\/null\/strata\.db cannot be opened for writing .*\n$/,
    );
    expect(await whole.exit).toEqual({ code: 1, signal: null });
    expect(whole.err()).toContain('"stack":"DomainError');
  });
});

describe('a signal to stop', () => {
  it('turns /readyz first, lets requests end, ends streams, and exits with 0 within the grace', async () => {
    const place = await emptyPlace('demo: true\nshutdown: { announce: 1s, grace: 8s }\n');
    const server = await serve(place);
    await server.ready();
    const { host } = new URL(server.origin);
    const running = await halfRequest(host);
    const pc = await openPc(server as unknown as TestServer, 'playground-pc');
    const stream = await fetch(pc.opened.events_uri, {
      headers: { authorization: `Strata-QR ${pc.opened.map_token}` },
    });
    expect(stream.status).toBe(200);
    expect((await fetch(`${server.origin}/readyz`)).status).toBe(200);

    const signalledAt = performance.now();
    server.child.kill('SIGTERM');
    const turned = await readyzTurned(server.origin);
    const served = await fetch(`${server.origin}/.well-known/openid-configuration`);
    const told = await stream.text();
    running.write('grant_type=client_credentials');
    const answer = await wholeAnswer(running);

    expect(turned).toMatchObject({ status: 503, reason: 'stopping' });
    expect(served.status).toBe(200);
    expect(told).toContain('retry: ');
    expect(answer).toMatch(/^HTTP\/1\.1 40[01] /);
    expect(await server.exit).toEqual({ code: 0, signal: null });
    expect(performance.now() - signalledAt).toBeLessThan(8_000);
  });

  it('ends the process at once when it comes a second time, but not when npm repeats it', async () => {
    const place = await emptyPlace('shutdown: { announce: 60s, grace: 60s }\n');
    const server = await serve(place, { env: { STRATA_LOG_LEVEL: 'info' } });
    await server.ready();

    server.child.kill('SIGINT');
    server.child.kill('SIGINT');
    await Promise.race([readyzTurned(server.origin), server.exit]);
    expect(server.child.exitCode).toBe(null);
    while (server.child.exitCode === null) {
      server.child.kill('SIGINT');
      await Promise.race([server.exit, readyzTurned(server.origin).catch(() => server.exit)]);
    }

    expect(await server.exit).toEqual({ code: 130, signal: null });
  });
});

/** A request whose body has yet to come. */
async function halfRequest(host: string): Promise<Socket> {
  const [hostname = '', port] = host.split(':');
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(
    `POST /token HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 29\r\n\r\n`,
  );
  return socket;
}

async function wholeAnswer(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Asks until the server says that it is not ready: the signal and the question race each other. */
async function readyzTurned(origin: string): Promise<{ status: number; reason?: string }> {
  while (true) {
    const answer = await fetch(`${origin}/readyz`);
    const body = (await answer.json()) as { reason?: string };
    if (answer.status !== 200) return { ...body, status: answer.status };
  }
}
