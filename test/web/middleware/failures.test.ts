import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa, { type Context } from 'koa';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DomainError } from '../../../src/core/errors.ts';
import { createLog } from '../../../src/core/log.ts';
import { failures } from '../../../src/web/middleware/failures.ts';
import { createRenderer, type Renderer } from '../../../src/web/render.ts';
import type { WebDeps } from '../../../src/web/web-deps.ts';
import { webState } from '../../../src/web/web-state.ts';

const good = createRenderer({ branding: { name: 'Strata' }, development: true });
const broken: Renderer = {
  render: () => {
    throw new Error('views/error.ejs:3 secret detail');
  },
};

/** A request that ends as `fail` does, in a browser unless it says otherwise. */
async function answerTo(
  fail: (ctx: Context) => void,
  { renderer = good, path = '/page', accept = 'text/html' } = {},
) {
  const log: string[] = [];
  // Of all that the web layer works with, failures need these two.
  const deps = {
    renderer,
    log: createLog({ level: 'info', destination: { write: (line) => void log.push(line) } }),
  } as unknown as WebDeps;
  const app = new Koa();
  app.use(async (ctx, next) => {
    Object.assign(webState(ctx), { requestId: 'req-1', language: () => 'en' });
    await next();
  });
  app.use(failures(deps));
  app.use((ctx) => fail(ctx));
  const server = createServer(app.callback()).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { accept } });
  return { response, body: await response.text(), log };
}

function failing(error: unknown) {
  return () => {
    throw error;
  };
}

describe('failures', () => {
  it('says on a page which request went wrong, and why in the log alone', async () => {
    const { response, body, log } = await answerTo(failing(new TypeError('private detail')));

    expect(response.status).toBe(500);
    expect(body).toContain('req-1');
    expect(body).not.toContain('private detail');
    expect(log.join('')).toMatch(/private detail.*req-1/);
  });

  it('answers a program with a problem document', async () => {
    const { response, body } = await answerTo(failing(new DomainError('conflict')), {
      accept: 'application/json',
    });

    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(JSON.parse(body)).toMatchObject({ status: 409, code: 'conflict' });
  });

  it.each([
    ['/token', 'text/html', 'invalid_request'],
    ['/TOKEN/', 'text/html', 'invalid_request'],
    ['/device/authorize', '*/*', 'invalid_request'],
  ])(
    'answers an app at %s in the words of the protocol, whatever it accepts',
    async (path, accept, error) => {
      const { response, body } = await answerTo(failing(new DomainError('payload_too_large')), {
        path,
        accept,
      });

      expect(response.status).toBe(413);
      expect(JSON.parse(body)).toEqual({ error, error_description: 'payload too large' });
    },
  );

  it('tells an app when to come back', async () => {
    const away = new DomainError('store_unavailable', { retryAfterSeconds: 7 });
    const { response, body } = await answerTo(failing(away), { path: '/token' });

    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('7');
    expect(JSON.parse(body).error).toBe('temporarily_unavailable');
  });

  it('has an answer when its own page cannot be drawn', async () => {
    const busy = await answerTo(failing(new DomainError('overloaded')), { renderer: broken });

    expect(busy.response.status).toBe(503);
    expect(busy.response.headers.get('retry-after')).toBe('1');
    expect(JSON.parse(busy.body)).toMatchObject({ code: 'overloaded' });
    expect(busy.log.join('')).toContain('an error page could not be drawn');
  });
});
