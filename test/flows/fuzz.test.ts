// I9: no input, in any order, gets a stack trace, or a 5xx other than 503; every refusal has a code of a closed
// list. fast-check chooses what is sent, with a fixed seed; STRATA_FUZZ_SEED and STRATA_FUZZ_FACTOR choose other
// requests, and more of them.
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MAP_TOKEN_GRANT } from '../../src/clients/client.ts';
import {
  addApp,
  apiApp,
  basic,
  claimsOf,
  nativeApp,
  newBrowser,
  type TestApp,
  type Tokens,
  tvApp,
  webApp,
} from '../support/app.ts';
import { askForDeviceCode, DEVICE_CODE_GRANT } from '../support/device-flow.ts';
import { openPc, pcApp, phoneApp, scannedPc, signedInPhone } from '../support/qr-parties.ts';
import { requestBytes, sendBytes, type WireAnswer, type WireRequest } from '../support/socket-http.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { formOf, type UserAgent } from '../support/user-agent.ts';
import {
  bombs,
  contentType,
  type Fields,
  hostileHeaders,
  hostileJson,
  hostilePairs,
  hostileRequest,
  signingParty,
  spoiltForm,
  spoiltJson,
} from './fuzz-inputs.ts';
import { expectSound, seenCodes } from './fuzz-judge.ts';

const seed = Number(process.env.STRATA_FUZZ_SEED ?? 20_260_101);
const factor = Number(process.env.STRATA_FUZZ_FACTOR ?? 1);
const LONG = 120_000 * factor;

const form = ['Content-Type', 'application/x-www-form-urlencoded'] as const;

let strata: TestServer;
let person: Awaited<ReturnType<TestServer['addAccount']>>;
let web: TestApp;
let native: TestApp;
let tv: TestApp;
let service: TestApp;
let tokens: Tokens;
let fields: Fields;

beforeAll(async () => {
  strata = await startTestServer();
  person = await strata.addAccount();
  web = await addApp(strata, { ...webApp, post_logout_redirect_uris: ['https://notes.example/'] });
  native = await addApp(strata, nativeApp);
  tv = await addApp(strata, tvApp);
  service = await addApp(strata, apiApp);
  tokens = await web.signIn(newBrowser(strata), person, { scope: 'openid offline_access' });
  fields = {
    client_id: [web.id, native.id, tv.id, service.id, 'strata'],
    client_secret: [web.secret],
    client_assertion_type: ['urn:ietf:params:oauth:client-assertion-type:jwt-bearer'],
    client_assertion: ['eyJhbGciOiJFUzI1NiJ9.e30.AAAA'],
    response_type: ['code', 'none', 'token', 'code id_token'],
    response_mode: ['query', 'fragment', 'form_post', 'jwt', 'web_message'],
    redirect_uri: [web.redirectUri, native.redirectUri],
    scope: ['openid', 'openid offline_access', 'demo:read'],
    state: ['state'],
    nonce: ['nonce'],
    prompt: ['none', 'login', 'consent', 'select_account', 'none login'],
    max_age: ['0', '100000', '-1'],
    ui_locales: ['zh-TW en'],
    lang: ['zh', 'en'],
    login_hint: [person.email],
    acr_values: ['urn:strata:acr:2'],
    claims: ['{"id_token":{"sub":{"value":"x"}}}'],
    id_token_hint: [tokens.id_token],
    code_challenge: ['E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'],
    code_challenge_method: ['S256', 'plain'],
    request: ['e30.e30.'],
    request_uri: ['urn:ietf:params:oauth:request_uri:nothing'],
    resource: ['https://demo-api.example', `${strata.origin}/api`],
    dpop_jkt: ['A'.repeat(43)],
    platform: ['ios', 'api'],
    installation_id: ['here'],
    post_logout_redirect_uri: ['https://notes.example/'],
    grant_type: ['authorization_code', 'refresh_token', 'client_credentials', DEVICE_CODE_GRANT],
    code: ['A'.repeat(43)],
    code_verifier: ['A'.repeat(43)],
    refresh_token: [tokens.refresh_token],
    device_code: ['A'.repeat(43)],
    user_code: ['BCDF-GHJK'],
    map_token: ['A.A'],
    token: [tokens.access_token, tokens.refresh_token],
    token_type_hint: ['refresh_token', 'access_token'],
    access_token: [tokens.access_token],
    csrf: ['A'.repeat(43)],
    xsrf: ['A'.repeat(48)],
    return_to: ['/devices'],
    wait: ['0'],
    v: ['1'],
  };
});

afterAll(() => strata.close());

afterEach(async () => {
  expect(await fetch(`${strata.origin}/healthz`)).toMatchObject({ status: 200 });
  expect((await web.refresh(tokens.refresh_token)).status, 'an honest app is still served').toBe(200);
  expect(strata.log.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
});

async function send(request: WireRequest): Promise<WireAnswer> {
  return sendBytes(strata.origin, requestBytes(request));
}

async function judge(request: WireRequest): Promise<void> {
  expectSound(request, await send(request));
}

function check<Input>(runs: number, input: fc.Arbitrary<Input>, predicate: (given: Input) => Promise<void>) {
  return fc.assert(fc.asyncProperty(input, predicate), { seed, numRuns: runs * factor, endOnFailure: true });
}

const protocolPaths =
  '/authorize /token /introspect /revoke /par /userinfo /jwks /logout /logout/confirm /logout/success /device ' +
  '/device/authorize /register /.well-known/openid-configuration /.well-known/oauth-authorization-server ' +
  '/authorize/AAAAAAAAAAAAAAAAAAAAA /device/AAAAAAAAAAAAAAAAAAAAA';

const ownPaths =
  '/ /sign-in /signed-in /signed-out /devices /devices/sign-out-others /devices/x/sign-out /outbox /q/m/x ' +
  '/interaction/x /interaction/x/sign-in /interaction/x/sign-up /interaction/x/sign-up/confirm ' +
  '/interaction/x/consent /interaction/x/cancel /interaction/x/qr /interaction/x/qr/y /playground/pc ' +
  '/playground/phone /playground/api/hello';

const apiPaths =
  '/api/sessions /api/sessions/x /api/qr/transactions /api/qr/transactions/x /api/qr/transactions/x/events ' +
  '/api/qr/scan /api/qr/approve /api/qr/deny /api/nothing';

const otherPaths =
  '/healthz /readyz /favicon.ico /strata.css /qr-panel.js /robots.txt /.env /nowhere /playground/app.js';

describe('any request', () => {
  it.each([
    ['the protocol endpoints', protocolPaths, 900],
    ['pages', ownPaths, 450],
    ['the JSON API', apiPaths, 350],
    ['health, files and places that do not exist', otherPaths, 250],
  ])(
    'to %s gets an answer that is sound (I9)',
    async (_what, paths, runs) => {
      await check(runs, hostileRequest(paths.split(' '), fields), judge);
    },
    LONG,
  );
});

describe('an app that authenticates and then asks for nonsense', () => {
  const posted = (path: string, body: string, app: TestApp): WireRequest => ({
    method: 'POST',
    target: path,
    headers: [form, ...(app.secret === '' ? [] : [['Authorization', basic(app.id, app.secret)] as const])],
    body: app.secret === '' ? `client_id=${app.id}&${body}` : body,
  });

  it(
    'gets a refusal of the protocol at the token endpoint (I9)',
    async () => {
      const codes = await Promise.all([1, 2, 3].map(() => web.code(newBrowser(strata), person)));
      const { device_code: deviceCode } = await askForDeviceCode(tv);
      const grants: [TestApp, Fields][] = [
        ...codes.map(({ value, verifier }): [TestApp, Fields] => [
          web,
          {
            grant_type: ['authorization_code'],
            code: [value],
            code_verifier: [verifier],
            redirect_uri: [web.redirectUri],
          },
        ]),
        [web, { grant_type: ['refresh_token'], refresh_token: [tokens.refresh_token], scope: ['openid'] }],
        [tv, { grant_type: [DEVICE_CODE_GRANT], device_code: [deviceCode] }],
        [
          service,
          { grant_type: ['client_credentials'], scope: ['demo:read'], resource: fields.resource ?? [] },
        ],
        [
          await addApp(strata, pcApp),
          {
            grant_type: [MAP_TOKEN_GRANT],
            map_token: ['a.b'],
            code_verifier: ['A'.repeat(43)],
            confirm: ['x'],
          },
        ],
      ];
      const request = fc
        .constantFrom(...grants)
        .chain(([app, good]) => spoiltForm(good).map((body) => posted('/token', body, app)));
      await check(350, request, judge);
    },
    LONG,
  );

  it(
    'gets one at every other endpoint for programs (I9)',
    async () => {
      const asking: [string, TestApp, Fields][] = [
        ['/introspect', web, { token: fields.token ?? [], token_type_hint: ['refresh_token'] }],
        ['/revoke', web, { token: ['A'.repeat(43), 'e30.e30.e30'], token_type_hint: ['access_token'] }],
        ['/par', web, Object.fromEntries([...new URL(web.ask().address).searchParams].map(inList))],
        ['/device/authorize', tv, { scope: ['openid'], installation_id: ['x'], platform: ['tv'] }],
      ];
      const request = fc
        .constantFrom(...asking)
        .chain(([path, app, good]) =>
          fc.oneof(spoiltForm(good), hostilePairs(good)).map((body) => posted(path, body, app)),
        );
      await check(350, request, judge);
    },
    LONG,
  );

  it(
    'hears of a spoilt authorization request on a page or at its own address (I9)',
    async () => {
      const good = Object.fromEntries([...new URL(web.ask().address).searchParams].map(inList));
      const request = spoiltForm({ ...good, state: ['s'], prompt: ['none'], max_age: ['1'] }).map(
        (query): WireRequest => ({ method: 'GET', target: `/authorize?${query.slice(0, 12_000)}` }),
      );
      await check(200, request, judge);
    },
    LONG,
  );
});

describe('a JWT that is well signed and says nonsense', () => {
  const seconds = () => Math.floor(strata.clock.now() / 1000);
  let count = 0;
  const fresh = () => {
    count += 1;
    return `jti-${count}`;
  };

  it(
    'is refused where an app proves its key (I9)',
    async () => {
      const key = signingParty();
      const { code, verifier } = await native
        .code(newBrowser(strata), person)
        .then(({ value, ...rest }) => ({ code: value, ...rest }));
      const url = `${strata.origin}/token`;
      const proof = key.nonsense({
        header: { typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk },
        claims: () => ({
          jti: fresh(),
          htm: 'POST',
          htu: url,
          iat: seconds(),
          ath: 'A'.repeat(43),
        }),
      });
      const body = new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: native.id,
        code,
        code_verifier: verifier,
        redirect_uri: native.redirectUri,
      }).toString();
      await check(
        150,
        fc.tuple(proof, fc.constantFrom('/token', '/userinfo', '/par')),
        async ([dpop, target]) => {
          const authorization = ['Authorization', `DPoP ${tokens.access_token}`] as const;
          const headers = [form, ['DPoP', dpop] as const, ...(target === '/userinfo' ? [authorization] : [])];
          await judge({ method: 'POST', target, headers, body });
        },
      );
    },
    LONG,
  );

  it(
    'is refused where an app authenticates by it (I9)',
    async () => {
      const key = signingParty();
      const { id } = await strata.addClient({
        ...apiApp,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...key.jwk, alg: 'ES256', use: 'sig' }] },
      });
      const assertion = key.nonsense({
        header: { alg: 'ES256' },
        claims: () => ({
          iss: id,
          sub: id,
          aud: strata.origin,
          jti: fresh(),
          exp: seconds() + 60,
          iat: seconds(),
        }),
      });
      const input = fc.tuple(assertion, fc.constantFrom('/token', '/introspect', '/revoke', '/par'));
      await check(250, input, async ([given, target]) => {
        const body = new URLSearchParams({
          grant_type: 'client_credentials',
          token: 'x',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: given,
        }).toString();
        await judge({ method: 'POST', target, headers: [form], body });
      });
    },
    LONG,
  );

  it(
    'is refused where a token of this server is due (I9)',
    async () => {
      const claims = claimsOf(tokens.id_token);
      const header = JSON.parse(Buffer.from(tokens.id_token.split('.')[0] ?? '', 'base64url').toString());
      const token = fc.oneof(
        signingParty().nonsense({ header, claims: () => claims }),
        signingParty().nonsense({
          header: { ...header, typ: 'at+jwt' },
          claims: () => ({ ...claims, client_id: web.id, jti: 'x' }),
        }),
      );
      await check(150, token, async (given) => {
        const bearer = [['Authorization', `Bearer ${given}`] as const];
        await judge({ method: 'GET', target: '/api/sessions', headers: bearer });
        await judge({ method: 'GET', target: '/userinfo', headers: bearer });
        await judge({ method: 'GET', target: `/logout?id_token_hint=${given}` });
        await judge({
          method: 'GET',
          target: `/authorize?${new URL(web.ask({ id_token_hint: given }).address).searchParams}`,
        });
        await judge({
          method: 'POST',
          target: '/introspect',
          headers: [form, ['Authorization', basic(web.id, web.secret)]],
          body: `token=${given}`,
        });
      });
    },
    LONG,
  );
});

describe('a browser whose pages are genuine and whose forms are not', () => {
  const field = {
    csrf: [''],
    identifier: ['x'],
    password: ['x'],
    email: ['x@y.example'],
    decision: ['allow'],
  };

  it(
    'gets a page at every step of a sign-in (I9)',
    async () => {
      const steps = [
        'sign-in',
        'sign-up',
        'sign-up/confirm',
        'consent',
        'cancel',
        'qr',
        'qr/AAAAAAAAAAAAAAAA',
      ];
      const input = fc
        .record({
          step: fc.constantFrom(...steps),
          headers: hostileHeaders,
          method: fc.constantFrom('POST', 'GET'),
        })
        .chain((given) =>
          spoiltForm({ ...field, code: ['12345678'], name: ['n'] }).map((body) => ({ ...given, body })),
        );
      let browser = newBrowser(strata);
      let page = await browser.open(web.ask({ prompt: 'login' }).address);
      await check(250, input, async ({ step, headers, method, body }) => {
        const { csrf = '' } = formOf(page).fields;
        const answer = await judged({
          method,
          target: page.url.replace(strata.origin, '').replace(/sign-in$/, step),
          headers: [form, ...headers.filter(([name]) => name !== 'Cookie'), cookieOf(browser, page.url)],
          body: `${body}&csrf=${csrf}`.replace('csrf=&', ''),
        });
        if (answer.status !== 303) return;
        browser = newBrowser(strata);
        page = await browser.open(web.ask({ prompt: 'login' }).address);
      });
    },
    LONG,
  );

  it(
    'gets a page when it is signed in (I9)',
    async () => {
      const browser = newBrowser(strata);
      await web.signIn(browser, person);
      const paths =
        '/devices /devices/sign-out-others /devices/ses_A/sign-out /device /logout /logout/confirm /sign-in';
      const cookie = cookieOf(browser, `${strata.origin}/`);
      const request = hostileRequest(`${paths} /authorize /signed-in`.split(' '), fields).map((given) => ({
        ...given,
        headers: [...(given.headers ?? []).filter(([name]) => name !== 'Cookie'), cookie],
      }));
      await check(250, request, judge);
    },
    LONG,
  );

  it(
    'gets a page for each TV code that it makes up, until it may no more (I9)',
    async () => {
      const browser = newBrowser(strata);
      const page = await browser.open('/device');
      const { xsrf = '' } = formOf(page).fields;
      const input = fc.tuple(
        spoiltForm({ user_code: ['BCDF-GHJK'], confirm: ['yes'], abort: [''] }),
        hostileHeaders,
      );
      await check(60, input, async ([body, headers]) => {
        const answer = await judged({
          method: 'POST',
          target: '/device',
          headers: [form, ...headers.filter(([name]) => name !== 'Cookie'), cookieOf(browser, page.url)],
          body: `xsrf=${xsrf}&${body}`,
        });
        // The guesses are used up; they come back with time.
        if (answer.status === 429) strata.clock.advance(600_000);
      });
    },
    LONG,
  );
});

describe('the JSON API, with a good token and a body that is not', () => {
  it(
    'answers with a code of its list (I9)',
    async () => {
      const phoneId = (await strata.addClient(phoneApp)).id;
      const scope = 'openid qr:approve sessions:read sessions:end';
      const phone = await signedInPhone(strata, phoneId, await strata.addAccount(), scope);
      const pcId = (await strata.addClient(pcApp)).id;
      const pc = await openPc(strata, pcId);
      const [, id = '', code = ''] = /\/q\/m\/([\w-]+)#(.*)$/.exec(pc.opened.qr_uri) ?? [];
      const scanned = await scannedPc(strata, phone, pcId);
      const bearer = `Bearer ${phone.accessToken}`;
      const secret = `Strata-QR ${pc.opened.map_token}`;
      const { handshake } = scanned;
      const challenge = fields.code_challenge ?? [];
      const requests: [method: string, target: string, authorization: string, good: Fields][] = [
        ['POST', '/api/qr/scan', bearer, { id: [id], code: [code] }],
        ['POST', '/api/qr/approve', bearer, { handshake: [handshake], number: ['00'] }],
        ['POST', '/api/qr/deny', bearer, { handshake: [handshake], reason: ['mistake'] }],
        [
          'POST',
          '/api/qr/transactions',
          '',
          {
            client_id: [pcId],
            scope: ['openid'],
            code_challenge: challenge,
            code_challenge_method: ['S256'],
            resource: [`${strata.origin}/api`],
          },
        ],
        ['GET', `/api/qr/transactions/${id}?wait=0`, secret, { wait: ['0'] }],
        ['DELETE', `/api/qr/transactions/${scanned.pc.opened.transaction_id}`, secret, { a: ['b'] }],
        ['DELETE', '/api/sessions/ses_AAAAAAAAAAAAAAAAAAAAAA', bearer, { a: ['b'] }],
        ['GET', '/api/sessions', bearer, { a: ['b'] }],
      ];
      const input = fc.constantFrom(...requests).chain(([method, target, authorization, good]) =>
        fc.record({
          method: fc.constant(method),
          target: fc.constant(target),
          headers: fc.tuple(
            fc.constant(['Authorization', authorization] as const),
            fc
              .oneof({ weight: 5, arbitrary: fc.constant('application/json') }, contentType)
              .map((type) => ['Content-Type', type] as const),
          ),
          body: fc.oneof(
            { weight: 4, arbitrary: spoiltJson(good) },
            { weight: 1, arbitrary: hostileJson(good) },
            { weight: 1, arbitrary: spoiltForm(good) },
          ),
        }),
      );
      await check(350, input, async (request) => {
        await judge(request);
        // Scans and openings are few in a minute; they come back with time.
        strata.clock.advance(500);
      });
    },
    LONG,
  );
});

describe('a body beyond the limit', () => {
  const huge = 'a=b&'.repeat(50_000);
  const whoReads =
    '/token /introspect /revoke /par /device/authorize /device /logout/confirm /userinfo ' +
    '/interaction/x/sign-in /devices/sign-out-others /api/qr/scan /api/qr/transactions';

  it.each(whoReads.split(' '))('of a known length is refused at %s (I9, I12)', async (path) => {
    const answer = await judged({ method: 'POST', target: path, headers: [form], body: huge });
    expect(answer.status).toBe(413);
  });

  it.each(whoReads.split(' '))(
    'in pieces is refused at %s, and the connection goes on (I9, I12)',
    async (path) => {
      const pieces = requestBytes({
        method: 'POST',
        target: path,
        headers: [form, ['Transfer-Encoding', 'chunked'], ['Connection', 'keep-alive']],
        body: huge,
      });
      const next = requestBytes({ method: 'GET', target: '/healthz' });
      const { status, rest } = await sendBytes(strata.origin, Buffer.concat([pieces, next]));
      // Whoever posts a TV's code without having seen the page is sent there first.
      expect(status).toBe(path === '/device' ? 303 : 413);
      expect(rest).toMatch(/HTTP\/1\.1 200 OK/);
    },
  );

  it.each(bombs)(
    'that unpacks from a small one ($encoding) is refused (I12)',
    async ({ encoding, bytes }) => {
      for (const target of whoReads.split(' ')) {
        const headers = [form, ['Content-Encoding', encoding] as const];
        const { status } = await judged({ method: 'POST', target, headers, body: bytes });
        // The engine unpacks nothing, and so finds nothing.
        if (/^\/(interaction|devices|api)\//.test(target)) expect(status).toBe(413);
      }
    },
  );
});

describe('what is no HTTP, or hardly', () => {
  const head = 'Host: x\r\nConnection: close\r\n';
  it.each([
    ['no version', `GET /\r\n\r\n`],
    ['a version of the future', `GET / HTTP/9.9\r\n${head}\r\n`],
    ['no host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['two hosts', `GET /sign-in HTTP/1.1\r\nHost: a\r\n${head}\r\n`],
    ['an unknown method', `STEAL /token HTTP/1.1\r\n${head}\r\n`],
    ['a tunnel', `CONNECT evil.example:443 HTTP/1.1\r\n${head}\r\n`],
    ['everything', `OPTIONS * HTTP/1.1\r\n${head}\r\n`],
    ['an address that is none', `GET http://[ HTTP/1.1\r\n${head}\r\n`],
    ['an address without a slash', `GET token HTTP/1.1\r\n${head}\r\n`],
    ['a NUL byte in the path', `GET /a\0b HTTP/1.1\r\n${head}\r\n`],
    ['a NUL byte in a header', `GET / HTTP/1.1\r\nX: a\0b\r\n${head}\r\n`],
    ['a folded header', `GET / HTTP/1.1\r\nX: a\r\n b\r\n${head}\r\n`],
    ['a header without a name', `GET / HTTP/1.1\r\n: a\r\n${head}\r\n`],
    ['bare line feeds', `GET / HTTP/1.1\nHost: x\nConnection: close\n\n`],
    ['two lengths', `POST /token HTTP/1.1\r\n${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    ['a negative length', `POST /token HTTP/1.1\r\n${head}Content-Length: -1\r\n\r\n`],
    [
      'a length and chunks',
      `POST /token HTTP/1.1\r\n${head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['chunks that are none', `POST /token HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
    ['chunks of an unknown coding', `POST /token HTTP/1.1\r\n${head}Transfer-Encoding: gzip\r\n\r\n`],
    [
      'invalid UTF-8',
      Buffer.from([...Buffer.from('GET /\xff\xfe HTTP/1.1\r\n', 'latin1'), ...Buffer.from(`${head}\r\n`)]),
    ],
    ['another protocol', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc])],
    ['headers beyond the limit', `GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}\r\n${head}\r\n`],
    ['a target beyond the limit', `GET /?${'a'.repeat(20_000)} HTTP/1.1\r\n${head}\r\n`],
    ['too many headers', `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(3_000)}${head}\r\n`],
  ])('%s: is refused, answered or cut off at once (I9)', async (_what, bytes) => {
    const answer = await sendBytes(strata.origin, bytes, { isWhole: true });
    if (answer.status !== 0) expectSound({ method: 'GET', target: '' }, answer);
  });

  it.each([
    ['shorter', 10, 'grant_type=refresh_token&client_id=x'],
    ['longer', 1_000, 'grant_type=refresh_token'],
  ])(
    'a body %s than it says is answered or cut off when the sender has gone (I9)',
    async (_how, length, body) => {
      for (const target of ['/token', '/api/qr/scan', '/interaction/x/sign-in', '/nowhere']) {
        const bytes = `POST ${target} HTTP/1.1\r\n${head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${length}\r\n\r\n${body}`;
        const answer = await sendBytes(strata.origin, bytes, { isWhole: true });
        if (answer.status !== 0) expectSound({ method: 'POST', target }, answer);
      }
    },
  );
});

describe('all refusals', () => {
  it('had codes of the closed list, and many of them (I9)', () => {
    expect([...seenCodes].sort()).toEqual(
      expect.arrayContaining(['invalid_client', 'invalid_grant', 'invalid_request']),
    );
    expect(seenCodes.size).toBeGreaterThan(15);
  });
});

function inList([name, value]: [string, string]): [string, string[]] {
  return [name, [value]];
}

async function judged(request: WireRequest): Promise<WireAnswer> {
  const answer = await send(request);
  expectSound(request, answer);
  return answer;
}

function cookieOf(browser: UserAgent, url: string): readonly [string, string] {
  const { pathname } = new URL(url);
  const pairs = [...browser.cookies]
    .filter(([, { path }]) => pathname.startsWith(path))
    .map(([key, { value }]) => `${key.split(';')[0]}=${value}`);
  return ['Cookie', pairs.join('; ')];
}
