// The JSON API of QR sign-in at its edges: what it does with input that nobody honest sends, other origins,
// and more streams than there is room for.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientRecords } from '../../src/clients/client.ts';
import { patch } from '../../src/storage/store.ts';
import type { Pc, Phone } from '../support/qr-parties.ts';
import { callApi, openPc, pcApp, phoneApp, signedInPhone } from '../support/qr-parties.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

let strata: TestServer;
let pcId: string;
let phone: Phone;

beforeAll(async () => {
  strata = await startTestServer();
  pcId = (await strata.addClient(pcApp)).id;
  const phoneId = (await strata.addClient(phoneApp)).id;
  phone = await signedInPhone(strata, phoneId, await strata.addAccount());
});

afterAll(() => strata.close());

describe('POST /api/qr/transactions', () => {
  const open = (fields: object) =>
    callApi(`${strata.origin}/api/qr/transactions`, {
      json: {
        client_id: pcId,
        scope: 'openid',
        code_challenge: challenge,
        code_challenge_method: 'S256',
        ...fields,
      },
    });

  it.each([
    ['no client', { client_id: undefined }, 'client_id'],
    ['a client that is a list', { client_id: ['a', 'b'] }, 'client_id'],
    ['a client with a NUL byte', { client_id: 'a\0b' }, 'client_id'],
    ['no scope', { scope: '' }, 'scope'],
    ['a scope with a quote', { scope: 'openid "' }, 'scope'],
    ['a huge scope', { scope: 'a'.repeat(1025) }, 'scope'],
    ['no challenge', { code_challenge: undefined }, 'code_challenge'],
    ['a challenge that no verifier has', { code_challenge: 'short' }, 'code_challenge'],
    ['a plain challenge', { code_challenge_method: 'plain' }, 'code_challenge_method'],
    ['a resource that is none', { resource: 'nowhere' }, 'resource'],
    ['too many resources', { resource: Array(9).fill('https://a.example') }, 'resource'],
  ])('refuses %s and names the field', async (_what, fields, field) => {
    expect(await open(fields)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', fields: [field] },
    });
  });

  it.each([
    ['a client that does not exist', { client_id: 'nobody' }, 400, 'invalid_client'],
    ['scopes that the client could never get', { scope: 'qr:approve admin' }, 400, 'invalid_scope'],
  ])('refuses %s', async (_what, fields, status, code) => {
    expect(await open(fields)).toMatchObject({ status, body: { code } });
  });

  it('refuses a client without the grant', async () => {
    const { id } = await strata.addClient({ ...pcApp, grant_types: ['authorization_code'] });

    expect(await open({ client_id: id })).toMatchObject({
      status: 403,
      body: { code: 'unauthorized_client' },
    });
  });

  it('refuses an app of others, for whom nobody would be asked for consent', async () => {
    const { id } = await strata.addClient({ ...pcApp, first_party: false });

    expect(await open({ client_id: id })).toMatchObject({
      status: 403,
      body: { code: 'unauthorized_client' },
    });
  });

  it('refuses a client that is disabled', async () => {
    const { id } = await strata.addClient(pcApp);
    await strata.server.store.commit([patch(clientRecords, id, { set: [[['disabled'], true]] })]);

    expect((await open({ client_id: id })).body.code).toBe('invalid_client');
  });

  it('takes a form as well, with resources one by one', async () => {
    const form = new URLSearchParams({
      client_id: pcId,
      scope: 'openid',
      code_challenge: challenge,
      code_challenge_method: 'S256',
    });
    form.append('resource', 'https://demo-api.example');
    form.append('resource', `${strata.origin}/api`);
    const url = `${strata.origin}/api/qr/transactions`;
    expect((await fetch(url, { method: 'POST', body: form })).status).toBe(201);

    form.append('client_id', pcId);
    expect((await fetch(url, { method: 'POST', body: form })).status).toBe(400);
  });

  it('shows the grantor no scope that the client cannot get', async () => {
    const pc = await openPc(strata, pcId, { scope: 'openid admin qr:approve profile' });

    const { body } = await phone.scan(pc.opened.qr_uri);

    expect(body.request.scopes).toEqual(['openid', 'profile']);
  });

  it('has room for so many of one network in a minute', async () => {
    const answers = [];
    for (let count = 0; count < 130; count += 1) answers.push(await open({}));

    const last = answers.at(-1);
    expect(last).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(Number(last?.headers.get('retry-after'))).toBeGreaterThan(0);
    strata.clock.advance(60_000);
    expect((await open({})).status).toBe(201);
  });
});

describe('other origins', () => {
  const preflight = (path: string) =>
    fetch(`${strata.origin}${path}`, {
      method: 'OPTIONS',
      headers: { origin: 'https://desk.example', 'access-control-request-method': 'POST' },
    });

  it('may ask, but never with cookies', async () => {
    for (const path of ['', '/x', '/x/events']) {
      const answer = await preflight(`/api/qr/transactions${path}`);
      expect(answer.status).toBe(204);
      expect(answer.headers.get('access-control-allow-origin')).toBe('https://desk.example');
      expect(answer.headers.get('access-control-allow-headers')).toContain('authorization');
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    }
  });

  it.each([
    ['where the client is redirected to', 'https://desk.example', 'https://desk.example'],
    ['where its registration says', 'https://other.example', 'https://other.example'],
    ['elsewhere', 'https://evil.example', null],
    ['of sandboxed pages', 'null', null],
  ])('an origin %s', async (_where, origin, allowed) => {
    const { id } = await strata.addClient({
      ...pcApp,
      application_type: 'native',
      redirect_uris: ['https://desk.example/callback', 'com.example.desk:/callback'],
      allowed_origins: ['https://other.example'],
    });
    const answer = await callApi(`${strata.origin}/api/qr/transactions`, {
      json: { client_id: id, scope: 'openid', code_challenge: challenge, code_challenge_method: 'S256' },
      headers: { origin },
    });

    expect(answer.status).toBe(201);
    expect(answer.headers.get('access-control-allow-origin')).toBe(allowed);
    expect(answer.headers.get('vary') ?? '').toContain(allowed === null ? '' : 'origin');
  });

  it('may follow with the poll secret', async () => {
    const pc = await openPc(strata, pcId);
    const answer = await pc.look('', { origin: 'https://desk.example' });

    expect(answer.headers.get('access-control-allow-origin')).toBe('https://desk.example');
    expect(answer.headers.get('access-control-expose-headers')).toContain('etag');
  });
});

describe('every endpoint', () => {
  it.each([
    ['a body that is no JSON', 'application/json', '{"id":'],
    ['JSON that is no object', 'application/json', '[1]'],
    ['null', 'application/json', 'null'],
    ['nothing', 'application/json', ''],
    ['a type that nobody takes', 'text/plain', 'id=x'],
    [
      'a form that says everything twice',
      'application/x-www-form-urlencoded',
      'id=a&id=b&handshake=a&handshake=b',
    ],
    ['a form of broken escapes', 'application/x-www-form-urlencoded', 'id=%ZZ&code=%00'],
  ])('answers %s with a problem', async (_what, type, body) => {
    for (const path of ['transactions', 'scan', 'approve', 'deny']) {
      const answer = await callApi(`${strata.origin}/api/qr/${path}`, {
        method: 'POST',
        text: body,
        headers: { 'content-type': type, authorization: `Bearer ${phone.accessToken}` },
      });
      expect(answer.status, path).toBeGreaterThanOrEqual(400);
      expect(answer.status, path).toBeLessThan(500);
      expect(answer.body.code, path).toEqual(expect.any(String));
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  it('answers any handshake, number, id and secret with a code of its list (I9)', async () => {
    const anything = fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue(), fc.constant('A'.repeat(70_000)));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('transactions', 'approve', 'deny', 'scan'),
        fc.dictionary(
          fc.constantFrom('id', 'code', 'handshake', 'number', 'reason', 'client_id', 'scope', 'resource'),
          anything,
        ),
        async (path, json) => {
          const { status, body } = await phone.call(`/api/qr/${path}`, json);
          expect([400, 404, 413, 429]).toContain(status);
          expect(body.code).toEqual(expect.any(String));
        },
      ),
      { seed: 7, numRuns: 150 },
    );
  });

  it('answers any path and Authorization header with 404 or 401', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.webSegment({ size: 'small' }),
        fc.constantFrom('Strata-QR ', 'Bearer ', 'Basic ', ''),
        fc.stringMatching(/^[\x21-\x7e]{0,200}$/),
        fc.constantFrom('', '/events', '?wait=25'),
        async (segment, scheme, value, rest) => {
          const { status } = await callApi(`${strata.origin}/api/qr/transactions/${segment}x${rest}`, {
            headers: { authorization: `${scheme}${value}` },
          });
          expect([400, 401, 404]).toContain(status);
        },
      ),
      { seed: 7, numRuns: 150 },
    );
  });
});

describe('streams', () => {
  async function streamOf({
    opened,
  }: Pc): Promise<{ status: number; close(): Promise<void>; ended(): Promise<void> }> {
    const cut = new AbortController();
    const response = await fetch(opened.events_uri, {
      headers: { authorization: `Strata-QR ${opened.map_token}` },
      signal: cut.signal,
    });
    const read = response.text().then(
      () => undefined,
      () => undefined,
    );
    return {
      status: response.status,
      ended: () => read,
      close: async () => {
        cut.abort();
        await read;
      },
    };
  }

  it('cost nothing more once the client has gone', async () => {
    const pc = await openPc(strata, pcId);
    const stream = await streamOf(pc);
    expect(stream.status).toBe(200);
    await stream.close();
    // By the time these are answered the server has seen the connection go.
    for (let count = 0; count < 5; count += 1) await pc.look();
    strata.store.reset();

    await pc.cancel();

    expect(strata.store.counts().gets).toBe(1);
  });

  it('end when the server shuts down, so that it need not cut them', async () => {
    const closing = await startTestServer();
    const { id } = await closing.addClient(pcApp);
    const pc = await openPc(closing, id);
    const stream = await streamOf(pc);
    const waiting = pc.look('?wait=25', { 'if-none-match': 'W/"1.0"' });
    await pc.look();

    await closing.close();

    await stream.ended();
    expect((await waiting).status).toBe(304);
  });
});
