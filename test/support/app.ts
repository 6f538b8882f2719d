// An app in flow tests: asks at /authorize with PKCE, redeems codes, refreshes, and asks about its tokens,
// over HTTP and without a library in between, so that a test sees each answer as it is.
import { createHash, randomBytes } from 'node:crypto';
import type { ClientMetadata } from '../../src/clients/client.ts';
import { callbackOf, type Person, submitSignIn } from './sign-in.ts';
import type { TestServer } from './test-server.ts';
import { type Answer, type UserAgent, userAgent } from './user-agent.ts';

export interface JsonAnswer {
  status: number;
  headers: Headers;
  // Bodies are looked at by tests alone, which compare them with what they expect.
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any shape
  body: any;
}

export interface Tokens {
  access_token: string;
  refresh_token: string;
  id_token: string;
  expires_in: number;
  scope: string;
  token_type: string;
}

export type Parameters = Record<string, string>;

export interface AskedCode {
  address: string;
  verifier: string;
}

export interface TestApp {
  id: string;
  secret: string;
  redirectUri: string;
  /** An address at /authorize, and the verifier for the code that it leads to. */
  ask(parameters?: Parameters): AskedCode;
  /** The code that the browser brings back: signs the person in where a page asks for that. */
  code(browser: UserAgent, person: Person | undefined, parameters?: Parameters): Promise<Code>;
  /** What the code is worth. */
  redeem(code: Code, parameters?: Parameters, headers?: Parameters): Promise<JsonAnswer>;
  /** From the sign-in to the tokens; throws where that fails. */
  signIn(browser: UserAgent, person: Person | undefined, parameters?: Parameters): Promise<Tokens>;
  refresh(refreshToken: string, parameters?: Parameters, headers?: Parameters): Promise<JsonAnswer>;
  token(parameters: Parameters, headers?: Parameters): Promise<JsonAnswer>;
  introspect(token: string, parameters?: Parameters): Promise<JsonAnswer>;
  revoke(token: string): Promise<JsonAnswer>;
  userinfo(accessToken: string): Promise<JsonAnswer>;
  post(path: string, parameters: Parameters, headers?: Parameters): Promise<JsonAnswer>;
}

export interface Code {
  value: string;
  verifier: string;
}

/** Enough for what most tests ask for; what a client may have is bounded by it. */
const scope =
  'openid profile email offline_access demo:read demo:write vault:open qr:approve sessions:read sessions:end';

export const webApp = {
  client_name: 'Notes',
  redirect_uris: ['https://notes.example/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  first_party: true,
  scope,
} satisfies ClientMetadata;

export const nativeApp = {
  client_name: 'Notes for phones',
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  platforms: ['ios', 'android'],
  redirect_uris: ['com.example.notes:/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  first_party: true,
  scope,
} satisfies ClientMetadata;

export const tvApp = {
  client_name: 'Notes for TVs',
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  platforms: ['tv'],
  grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
  first_party: true,
  scope,
} satisfies ClientMetadata;

export const apiApp = {
  client_name: 'Nightly job',
  platforms: ['api'],
  grant_types: ['client_credentials'],
  first_party: true,
  scope,
} satisfies ClientMetadata;

export async function addApp(
  strata: Pick<TestServer, 'origin' | 'addClient'>,
  metadata: ClientMetadata = webApp,
): Promise<TestApp> {
  const { id, secret } = await strata.addClient(metadata);
  const redirectUri = metadata.redirect_uris?.[0] ?? '';
  const isPublic = secret === '';
  const credentials = isPublic ? {} : { authorization: basic(id, secret) };
  const own: Parameters = isPublic ? { client_id: id } : {};

  function ask(parameters: Parameters = {}): AskedCode {
    const verifier = randomBytes(32).toString('base64url');
    const address = new URL('/authorize', strata.origin);
    address.search = new URLSearchParams({
      client_id: id,
      response_type: 'code',
      scope: 'openid',
      redirect_uri: redirectUri,
      code_challenge: challengeOf(verifier),
      code_challenge_method: 'S256',
      ...parameters,
    }).toString();
    return { address: address.href, verifier };
  }

  async function askForCode(
    browser: UserAgent,
    person: Person | undefined,
    parameters: Parameters = {},
  ): Promise<Code> {
    const { address, verifier } = ask(parameters);
    const value = codeOf(await answerOf(browser, address, person));
    return { value, verifier };
  }

  const post = (path: string, parameters: Parameters, headers: Parameters = {}) =>
    postForm(`${strata.origin}${path}`, { ...own, ...parameters }, { ...credentials, ...headers });

  const redeem = (given: Code, parameters: Parameters = {}, headers: Parameters = {}) =>
    post('/token', codeParameters(given, redirectUri, parameters), headers);

  return {
    id,
    secret,
    redirectUri,
    ask,
    code: askForCode,
    redeem,
    post,
    signIn: async (browser, person, parameters) => {
      const code = await askForCode(browser, person, parameters);
      // Without it the token is for userinfo: what was asked for at /authorize only bounds what may be had.
      const answer = await redeem(code, parameters?.resource ? { resource: parameters.resource } : {});
      if (answer.status !== 200) throw new Error(`no tokens: ${JSON.stringify(answer.body)}`);
      return answer.body;
    },
    token: (parameters, headers) => post('/token', parameters, headers),
    refresh: (refreshToken, parameters, headers) =>
      post('/token', { grant_type: 'refresh_token', refresh_token: refreshToken, ...parameters }, headers),
    introspect: (token, parameters) => post('/introspect', { token, ...parameters }),
    revoke: (token) => post('/revoke', { token }),
    userinfo: (accessToken) =>
      getJson(`${strata.origin}/userinfo`, { authorization: `Bearer ${accessToken}` }),
  };
}

function codeParameters(code: Code, redirectUri: string, more: Parameters): Parameters {
  return {
    grant_type: 'authorization_code',
    code: code.value,
    code_verifier: code.verifier,
    redirect_uri: redirectUri,
    ...more,
  };
}

/** Opens the address and signs in where the answer is a page that asks for it. */
async function answerOf(browser: UserAgent, address: string, person: Person | undefined): Promise<Answer> {
  const answer = await browser.open(address);
  if (answer.status !== 200) return answer;
  if (!person) throw new Error(`somebody must sign in at ${answer.url}`);

  return submitSignIn(browser, answer, person);
}

export function codeOf(answer: Answer): string {
  const callback = callbackOf(answer);
  const code = callback.searchParams.get('code');
  if (code === null) throw new Error(`no code: ${callback.href}`);
  return code;
}

/** A browser that nobody has used yet. */
export function newBrowser(strata: TestServer, language?: string): UserAgent {
  return userAgent(strata.origin, language);
}

/** RFC 6749 §2.3.1: both parts are form-encoded before they are joined. */
export function basic(id: string, secret: string): string {
  const encoded = [id, secret].map((part) => new URLSearchParams([['', part]]).toString().slice(1));
  return `Basic ${Buffer.from(encoded.join(':')).toString('base64')}`;
}

export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

export async function postForm(
  url: string,
  form: Parameters | URLSearchParams,
  headers: Parameters = {},
): Promise<JsonAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(form).toString(),
    redirect: 'manual',
  });
  return jsonAnswer(response);
}

export async function getJson(url: string, headers: Parameters = {}): Promise<JsonAnswer> {
  return jsonAnswer(await fetch(url, { headers, redirect: 'manual' }));
}

async function jsonAnswer(response: Response): Promise<JsonAnswer> {
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** What a JWT says, unchecked. */
// biome-ignore lint/suspicious/noExplicitAny: claims of any shape, which tests compare
export function claimsOf(jwt: string): any {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
}

/** Twenty at once, or as many as are asked for. */
export function atOnce<Outcome>(request: () => Promise<Outcome>, count = 20): Promise<Outcome[]> {
  return Promise.all(Array.from({ length: count }, request));
}
