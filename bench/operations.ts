// The operations that are measured. Each is opened once per worker; what a worker does in `prepare` (asking for
// codes, opening sign-in pages) is outside of the measurement.
import { createHash } from 'node:crypto';
import {
  api,
  apiScope,
  app,
  basicAuth,
  emailOf,
  jwtApi,
  opaqueApi,
  password,
  redirectUri,
  service,
} from './fixture.ts';
import { type Browser, expectJson, locationOf, openBrowser, type Target } from './http-client.ts';

export interface Worker {
  prepare?(steps: number): Promise<void>;
  step(): Promise<void>;
}

export interface Operation {
  name: string;
  /** Requests of all workers in one slice. */
  slice: number;
  /** The engine alone has no answer for it. */
  strataOnly?: true;
  open(target: Target, workerNumber: number): Promise<Worker>;
}

const verifier = 'a-code-verifier-of-forty-three-characters-or-more';
const challenge = createHash('sha256').update(verifier).digest('base64url');

export const operations: readonly Operation[] = [
  { name: 'client_credentials, JWT', slice: 80, open: clientCredentials(jwtApi) },
  { name: 'client_credentials, opaque', slice: 80, open: clientCredentials(opaqueApi) },
  { name: 'refresh, JWT', slice: 80, open: refresh({ resource: jwtApi, scope: apiScope }) },
  { name: 'refresh, opaque', slice: 80, open: refresh({ resource: opaqueApi, scope: apiScope }) },
  { name: 'refresh, opaque + ID token', slice: 80, open: refresh({}) },
  { name: 'introspection, opaque', slice: 80, open: introspection(opaqueApi) },
  { name: 'introspection, JWT', slice: 80, strataOnly: true, open: introspection(jwtApi) },
  { name: 'userinfo', slice: 80, open: userinfo },
  { name: 'code exchange', slice: 40, open: codeExchange },
  { name: 'authorize, live session', slice: 80, open: authorize },
  { name: 'password sign-in', slice: 8, open: passwordSignIn },
];

function clientCredentials(resource: string) {
  return async (target: Target): Promise<Worker> => {
    const ask = {
      form: { grant_type: 'client_credentials', resource, scope: apiScope },
      headers: { authorization: basicAuth(service) },
    };
    return {
      async step() {
        expectJson(await target.send('/token', ask));
      },
    };
  };
}

function refresh(narrowing: { resource?: string; scope?: string }) {
  return async (target: Target, workerNumber: number): Promise<Worker> => {
    let { refresh_token: newest } = await signedInTokens(target, workerNumber);
    return {
      async step() {
        const form = { grant_type: 'refresh_token', refresh_token: newest, ...narrowing };
        const answer = expectJson(
          await target.send('/token', { form, headers: { authorization: basicAuth(app) } }),
        );
        newest = String(answer.refresh_token);
      },
    };
  };
}

function introspection(resource: string) {
  return async (target: Target): Promise<Worker> => {
    const form = { grant_type: 'client_credentials', resource, scope: apiScope };
    const issued = expectJson(
      await target.send('/token', { form, headers: { authorization: basicAuth(service) } }),
    );
    const ask = { form: { token: String(issued.access_token) }, headers: { authorization: basicAuth(api) } };
    return {
      async step() {
        const { active } = expectJson(await target.send('/introspect', ask));
        if (active !== true) throw new Error('the token is not active');
      },
    };
  };
}

async function userinfo(target: Target, workerNumber: number): Promise<Worker> {
  const { access_token: token } = await signedInTokens(target, workerNumber);
  const ask = { headers: { authorization: `Bearer ${token}` } };
  return {
    async step() {
      expectJson(await target.send('/userinfo', ask));
    },
  };
}

async function codeExchange(target: Target, workerNumber: number): Promise<Worker> {
  const browser = await signedInBrowser(target, workerNumber);
  const codes: string[] = [];
  return {
    async prepare(steps) {
      while (codes.length < steps) codes.push(await codeFrom(browser));
    },
    async step() {
      await exchange(target, codes.pop() ?? '');
    },
  };
}

async function authorize(target: Target, workerNumber: number): Promise<Worker> {
  const browser = await signedInBrowser(target, workerNumber);
  return {
    async step() {
      await codeFrom(browser);
    },
  };
}

/** The form with the password, and the redirect that leads back to the app with a code. */
async function passwordSignIn(target: Target, workerNumber: number): Promise<Worker> {
  const waiting: SignInPage[] = [];
  let next = workerNumber;
  return {
    async prepare(steps) {
      while (waiting.length < steps) waiting.push(await openSignIn(openBrowser(target)));
    },
    async step() {
      next += 7;
      await submitSignIn(waiting.pop(), emailOf(next));
    },
  };
}

async function signedInTokens(target: Target, workerNumber: number) {
  const browser = await signedInBrowser(target, workerNumber);
  return exchange(target, await codeFrom(browser));
}

async function signedInBrowser(target: Target, workerNumber: number): Promise<Browser> {
  const browser = openBrowser(target);
  await submitSignIn(await openSignIn(browser), emailOf(workerNumber));
  return browser;
}

interface SignInPage {
  browser: Browser;
  action: string;
  csrf: string;
}

async function openSignIn(browser: Browser): Promise<SignInPage> {
  let reply = await browser.send(authorizePath);
  while (reply.status !== 200) reply = await browser.send(locationOf(reply));
  const [, action = ''] = /<form[^>]*action="([^"]*sign-in)"/.exec(reply.body) ?? [];
  const [, csrf = ''] = /name="csrf" value="([^"]*)"/.exec(reply.body) ?? [];
  return { browser, action, csrf };
}

/** Answers the code that the app gets. */
async function submitSignIn(page: SignInPage | undefined, email: string): Promise<string> {
  if (!page) throw new Error('no sign-in page is prepared');

  const posted = await page.browser.send(page.action, { csrf: page.csrf, identifier: email, password });
  return codeIn(locationOf(await page.browser.send(locationOf(posted))));
}

const authorizePath = `/authorize?${new URLSearchParams([
  ['client_id', app.client_id],
  ['response_type', 'code'],
  ['redirect_uri', redirectUri],
  ['scope', `openid profile email offline_access ${apiScope}`],
  ['resource', jwtApi],
  ['resource', opaqueApi],
  ['code_challenge', challenge],
  ['code_challenge_method', 'S256'],
  ['nonce', 'n'],
  ['state', 's'],
])}`;

async function codeFrom(browser: Browser): Promise<string> {
  return codeIn(locationOf(await browser.send(authorizePath)));
}

function codeIn(location: string): string {
  const code = new URL(location, 'http://relative.invalid').searchParams.get('code');
  if (code === null) throw new Error(`no code in ${location}`);
  return code;
}

async function exchange(target: Target, code: string) {
  const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier };
  const answer = expectJson(
    await target.send('/token', { form, headers: { authorization: basicAuth(app) } }),
  );
  return { access_token: String(answer.access_token), refresh_token: String(answer.refresh_token) };
}
