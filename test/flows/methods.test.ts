// What each place answers to methods that are not its own.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestBytes, sendBytes, type WireAnswer } from '../support/socket-http.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

let strata: TestServer;

beforeAll(async () => {
  strata = await startTestServer();
});

afterAll(() => strata.close());

async function ask(method: string, target: string, headers: [string, string][] = []): Promise<WireAnswer> {
  return sendBytes(strata.origin, requestBytes({ method, target, headers }));
}

const pages = ['/', '/signed-out', '/sign-in', '/devices', '/device', '/logout', '/healthz', '/strata.css'];
const endpoints = ['/jwks', '/.well-known/openid-configuration', '/authorize', '/userinfo', '/api/sessions'];

describe('HEAD', () => {
  it.each([...pages, ...endpoints])('answers as GET does, without a body: %s', async (target) => {
    const [head, get] = [await ask('HEAD', target), await ask('GET', target)];

    expect(head.status).toBe(get.status);
    expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'));
    expect(head.body).toBe('');
  });
});

describe('TRACE', () => {
  it.each([...pages, ...endpoints, '/token'])('says nothing of the request back: %s', async (target) => {
    const { status, head, body } = await ask('TRACE', `${target}?a=needle`, [['X-Secret', 'needle']]);

    expect(status).toBe(404);
    expect(head + body).not.toContain('needle');
  });
});

describe('OPTIONS', () => {
  it.each(['/token', '/userinfo', '/revoke', '/introspect', '/par', '/device/authorize', '/jwks'])(
    'lets an app in another origin ask first, without cookies: %s',
    async (target) => {
      const { status, headers } = await ask('OPTIONS', target, [
        ['Origin', 'https://app.example'],
        ['Access-Control-Request-Method', 'POST'],
      ]);

      expect(status).toBe(204);
      expect(headers.get('access-control-allow-origin')).toBe('https://app.example');
      expect(headers.get('access-control-allow-credentials')).toBeNull();
    },
  );

  it.each([
    '/sign-in',
    '/devices',
    '/authorize',
    '/logout',
    '/device',
    '/interaction/x/sign-in',
    '/api/sessions',
  ])('opens nothing to another origin: %s', async (target) => {
    const { headers } = await ask('OPTIONS', target, [
      ['Origin', 'https://app.example'],
      ['Access-Control-Request-Method', 'GET'],
    ]);

    expect(headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('methods that a place does not have', () => {
  it.each([
    ['GET', '/token'],
    ['PUT', '/token'],
    ['DELETE', '/userinfo'],
    ['POST', '/jwks'],
    ['POST', '/signed-out'],
    ['GET', '/devices/sign-out-others'],
    ['PATCH', '/api/sessions'],
    ['PROPFIND', '/'],
  ])('find nothing: %s %s', async (method, target) => {
    expect((await ask(method, target)).status).toBe(404);
  });

  it('are not had by naming another in a header or a parameter', async () => {
    const headers: [string, string][] = [['X-HTTP-Method-Override', 'POST']];

    expect((await ask('GET', '/token?_method=POST', headers)).status).toBe(404);
  });
});
