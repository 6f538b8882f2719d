// QR sign-in on the sign-in page (front door A): what the page's script does, over HTTP.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { accounts } from '../../src/accounts/account.ts';
import { QR_TOPIC } from '../../src/qr/waiting.ts';
import { deviceSessions } from '../../src/sessions/device-session.ts';
import { patch } from '../../src/storage/store.ts';
import type { ApiAnswer, Phone } from '../support/qr-parties.ts';
import { callApi, phoneApp, signedInPhone } from '../support/qr-parties.ts';
import { saidWakeUps } from '../support/said-wake-ups.ts';
import { callbackOf, signInWithPassword } from '../support/sign-in.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import type { Answer, UserAgent } from '../support/user-agent.ts';
import { formOf, userAgent } from '../support/user-agent.ts';

const redirectUri = 'https://app.example/callback';
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';

let strata: TestServer;
let phoneId: string;
let app: { id: string; secret: string };
let ada: { id: string; email: string; password: string };
let phone: Phone;

beforeAll(async () => {
  strata = await startTestServer();
  phoneId = (await strata.addClient(phoneApp)).id;
  app = await strata.addClient({ client_name: 'Web app', redirect_uris: [redirectUri], first_party: true });
  ada = await strata.addAccount();
});

afterAll(() => strata.close());

beforeEach(async () => {
  phone = await signedInPhone(strata, phoneId, ada);
});

/** A browser at the sign-in page whose panel has opened a transaction. */
interface Screen {
  browser: UserAgent;
  page: Answer;
  csrf: string;
  createUrl: string;
  opened: ApiAnswer['body'];
}

async function openScreen(clientId = app.id, browser = userAgent(strata.origin)): Promise<Screen> {
  const request = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid email',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    prompt: 'login',
  });
  const page = await browser.open(`/authorize?${request}`);
  const attribute = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(page.body)?.[1] ?? '';
  const csrf = attribute('data-csrf');
  const createUrl = attribute('data-create-url');
  const created = await browser.post(createUrl, { csrf }, { accept: 'application/json' });
  expect(created.status).toBe(201);
  return { browser, page, csrf, createUrl, opened: JSON.parse(created.body) };
}

async function lookAt(
  { browser, opened }: Pick<Screen, 'browser' | 'opened'>,
  headers = {},
): Promise<ApiAnswer> {
  const answer = await browser.get(opened.poll_uri, { accept: 'application/json', ...headers });
  return { ...answer, body: answer.body === '' ? '' : JSON.parse(answer.body) };
}

async function approvedScreen(by = phone): Promise<Screen & { handshake: string }> {
  const screen = await openScreen();
  const { handshake } = (await by.scan(screen.opened.qr_uri)).body;
  const { match_number: number } = (await lookAt(screen)).body;
  expect((await by.approve(handshake, number)).status).toBe(204);
  return { ...screen, handshake };
}

async function decide({ browser, opened }: Screen, decision: string): Promise<Answer> {
  const { action, fields } = formOf(await browser.get(opened.continue_uri));
  return browser.submit(action, { ...fields, decision });
}

async function tokensFor(callback: URL): Promise<ApiAnswer> {
  const basic = Buffer.from(`${app.id}:${app.secret}`).toString('base64');
  return callApi(`${strata.origin}/token`, {
    headers: { authorization: `Basic ${basic}` },
    form: {
      grant_type: 'authorization_code',
      code: callback.searchParams.get('code') ?? '',
      code_verifier: verifier,
      redirect_uri: redirectUri,
    },
  });
}

function claimsOf(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
}

async function liveBrowserSessions(): Promise<string[]> {
  const page = await strata.server.store.list(deviceSessions, 'account', ada.id, { limit: 200 });
  return page.records
    .filter(
      ({ state, startedBy, platform }) => state === 'live' && startedBy.how === 'qr' && platform === 'web',
    )
    .map(({ id }) => id);
}

describe('the panel of the sign-in page', () => {
  it('leads through "continue as …?" to a code for the app', async () => {
    const screen = await approvedScreen();
    expect(screen.opened).toEqual({
      transaction_id: expect.any(String),
      qr_uri: expect.stringContaining(`${strata.origin}/q/m/`),
      qr_svg: expect.stringMatching(/^<svg/),
      generation: 0,
      rotate_in_ms: 60_000,
      expires_in_ms: 120_000,
      deadline_in_ms: 600_000,
      expires_in: 600,
      interval: 5,
      events_uri: `/api/qr/transactions/${screen.opened.transaction_id}/events`,
      poll_uri: `/api/qr/transactions/${screen.opened.transaction_id}`,
      continue_uri: expect.stringMatching(/^\/interaction\/[\w-]+\/qr\/[\w-]{16}$/),
    });
    expect((await lookAt(screen)).body.state).toBe('approved');

    const question = await screen.browser.get(screen.opened.continue_uri);
    expect(question).toMatchObject({ status: 200, body: expect.stringContaining(ada.email) });
    const said = saidWakeUps(strata);
    const callback = callbackOf(await decide(screen, 'continue'));

    expect(said).toEqual([[QR_TOPIC, screen.opened.transaction_id]]);
    expect(callback.origin + callback.pathname).toBe(redirectUri);
    const { body } = await tokensFor(callback);
    const claims = claimsOf(body.id_token);
    expect(claims).toMatchObject({ sub: ada.id, amr: ['pwd', 'qr'], acr: 'urn:strata:acr:1' });
    const session = await strata.server.store.get(deviceSessions, String(claims.sid));
    expect(session).toMatchObject({
      platform: 'web',
      startedBy: { how: 'qr', sessionId: expect.stringMatching(/^ses_/) },
    });
    expect((await lookAt(screen)).body.state).toBe('redeemed');
  });

  it('asks however long it takes the person to answer, within the time of the sign-in', async () => {
    const screen = await approvedScreen();
    strata.clock.advance(20 * 60_000);

    expect(callbackOf(await decide(screen, 'continue')).searchParams.get('code')).not.toBeNull();
  });

  it('signs nobody in by a GET', async () => {
    const screen = await approvedScreen();
    const before = await liveBrowserSessions();

    for (let count = 0; count < 3; count += 1) await screen.browser.get(screen.opened.continue_uri);

    expect((await lookAt(screen)).body.state).toBe('approved');
    expect(await liveBrowserSessions()).toEqual(before);
  });

  it('"not me" puts the approval away and goes back to the sign-in page', async () => {
    const screen = await approvedScreen();

    const page = await decide(screen, 'refuse');

    expect(page.url).toMatch(/\/interaction\/[\w-]+\/sign-in$/);
    expect((await lookAt(screen)).body.state).toBe('cancelled');
    expect((await screen.browser.open(screen.opened.continue_uri)).url).toMatch(/\/sign-in$/);
  });

  it('without an approval "continue" only leads back', async () => {
    const screen = await openScreen();
    const { csrf, opened } = screen;

    const page = await screen.browser.submit(opened.continue_uri, { csrf, decision: 'continue' });

    expect(page.url).toMatch(/\/sign-in$/);
    expect((await lookAt(screen)).body.state).toBe('pending');
  });

  it('begins one session for ten posts at the same moment, and each goes on', async () => {
    const screen = await approvedScreen();
    const { csrf, browser, opened } = screen;
    const before = await liveBrowserSessions();

    const posts = await Promise.all(
      Array.from({ length: 10 }, () => browser.post(opened.continue_uri, { csrf, decision: 'continue' })),
    );

    expect(posts.map(({ status }) => status)).toEqual(Array(10).fill(303));
    expect(new Set(posts.map(({ headers }) => headers.get('location'))).size).toBe(1);
    expect(posts[0]?.headers.get('location')).toContain('/authorize/');
    const begun = (await liveBrowserSessions()).filter((id) => !before.includes(id));
    expect(begun).toHaveLength(1);
  });

  it('does not let in an account that was locked meanwhile', async () => {
    const bob = await strata.addAccount();
    const screen = await approvedScreen(await signedInPhone(strata, phoneId, bob));
    await strata.server.store.commit([patch(accounts, bob.id, { set: [[['state'], 'locked']] })]);

    const page = await decide(screen, 'continue');

    expect(page.status).toBe(409);
    expect((await lookAt(screen)).body.state).toBe('approved');
  });

  it('says who had been signed in here before, and takes nothing from them', async () => {
    const bob = await strata.addAccount();
    const browser = userAgent(strata.origin);
    const request = `/authorize?client_id=${app.id}&redirect_uri=${redirectUri}&response_type=code&scope=openid&code_challenge=${challenge}&code_challenge_method=S256`;
    await signInWithPassword(browser, request, bob);
    const bobs = await strata.server.store.list(deviceSessions, 'account', bob.id, { limit: 10 });

    const screen = await openScreen(app.id, browser);
    const { handshake } = (await phone.scan(screen.opened.qr_uri)).body;
    await phone.approve(handshake, (await lookAt(screen)).body.match_number);
    await decide(screen, 'continue');

    expect(await strata.server.store.get(deviceSessions, bobs.records[0]?.id ?? '')).toMatchObject({
      state: 'live',
    });
  });
});

describe('whose transaction it is', () => {
  it('another browser sees nothing of it and cannot continue with it', async () => {
    const screen = await approvedScreen();
    const other = await openScreen();

    expect((await lookAt({ browser: other.browser, opened: screen.opened })).status).toBe(404);
    const taken = other.opened.continue_uri.replace(
      other.opened.transaction_id,
      screen.opened.transaction_id,
    );
    const page = await other.browser.submit(taken, { csrf: other.csrf, decision: 'continue' });
    expect(page.url).toMatch(/\/sign-in$/);
    expect((await other.browser.submit(screen.opened.continue_uri, { csrf: other.csrf })).status).toBe(400);
    expect((await lookAt(screen)).body.state).toBe('approved');
  });

  it('a page of another origin gets nothing by the cookie', async () => {
    const screen = await openScreen();

    expect((await lookAt(screen, { 'sec-fetch-site': 'cross-site' })).status).toBe(404);
    expect((await lookAt(screen, { origin: 'https://evil.example' })).status).toBe(404);
    const answer = await lookAt(screen, { origin: strata.origin });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('forms of other pages change nothing', async () => {
    const { browser, createUrl, csrf, opened } = await approvedScreen();

    const refused = [
      await browser.post(createUrl, {}, { accept: 'application/json' }),
      await browser.post(createUrl, { csrf: `${csrf}x` }, { accept: 'application/json' }),
      await browser.post(createUrl, { csrf }, { accept: 'application/json', 'sec-fetch-site': 'cross-site' }),
      await browser.post(opened.continue_uri, { decision: 'continue' }, { accept: 'application/json' }),
    ];

    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
    expect(refused.map(({ body }) => JSON.parse(body).code)).toEqual(Array(4).fill('csrf'));
  });

  it('the token endpoint knows nothing of it', async () => {
    const { opened } = await approvedScreen();
    const { id } = await strata.addClient({
      ...phoneApp,
      grant_types: ['urn:strata:params:oauth:grant-type:map_token'],
    });

    const answer = await callApi(`${strata.origin}/token`, {
      form: {
        grant_type: 'urn:strata:params:oauth:grant-type:map_token',
        client_id: id,
        map_token: `${opened.transaction_id}.${'A'.repeat(32)}`,
        code_verifier: verifier,
      },
    });

    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });
});

describe('a native app', () => {
  it('has no panel at its sign-in, whose session begins elsewhere', async () => {
    const browser = userAgent(strata.origin);
    const request = new URLSearchParams({
      client_id: phoneId,
      redirect_uri: phoneApp.redirect_uris?.[0] ?? '',
      response_type: 'code',
      scope: 'openid',
      code_challenge: challenge,
      code_challenge_method: 'S256',
    });
    const page = await browser.open(`/authorize?${request}`);
    expect(page.body).not.toContain('data-qr-panel');

    const { fields } = formOf(page);
    const created = await browser.post(page.url.replace('/sign-in', '/qr'), { csrf: fields.csrf ?? '' });
    expect(created.status).toBe(404);
  });
});

describe('GET /q/m/:id', () => {
  it('tells whoever came by a camera what to do, and changes nothing', async () => {
    const screen = await openScreen();
    strata.store.reset();

    const page = await userAgent(strata.origin).get(`/q/m/${screen.opened.transaction_id}`);

    expect(page).toMatchObject({ status: 200, body: expect.stringContaining('qr-landing.js') });
    expect(strata.store.counts()).toMatchObject({ commits: 0 });
    expect((await lookAt(screen)).body.state).toBe('pending');
  });
});
