// The parties of QR sign-in, over HTTP: a phone that is signed in and an app on a screen that is not.
import { randomBytes } from 'node:crypto';
import * as client from 'openid-client';
import type { ClientMetadata } from '../../src/clients/client.ts';
import { MAP_TOKEN_GRANT } from '../../src/clients/client.ts';
import { signInWithPassword } from './sign-in.ts';
import type { TestServer } from './test-server.ts';
import { userAgent } from './user-agent.ts';

/** All that they need of a server. */
type Origin = Pick<TestServer, 'origin'>;

export interface ApiAnswer {
  status: number;
  headers: Headers;
  // Bodies are looked at by tests alone, which compare them with what they expect.
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any shape
  body: any;
}

export async function callApi(
  url: string,
  options: {
    method?: string;
    json?: object;
    form?: Record<string, string>;
    text?: string;
    headers?: Record<string, string>;
  } = {},
): Promise<ApiAnswer> {
  const { json, form, text, headers } = options;
  const body = json ? JSON.stringify(json) : (text ?? (form && new URLSearchParams(form)));
  const response = await fetch(url, {
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { ...(json && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body }),
  });
  const answer = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(answer) : answer };
}

export const phoneApp: ClientMetadata = {
  client_name: 'Phone',
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  platforms: ['ios'],
  redirect_uris: ['com.example.phone:/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  first_party: true,
  qr_approve: true,
  scope: 'openid offline_access qr:approve sessions:read sessions:end',
};

export const pcApp: ClientMetadata = {
  client_name: 'Desk app',
  token_endpoint_auth_method: 'none',
  platforms: ['windows'],
  redirect_uris: ['https://desk.example/callback'],
  grant_types: ['authorization_code', 'refresh_token', MAP_TOKEN_GRANT],
  first_party: true,
  scope: 'openid profile offline_access',
};

export interface Phone {
  accessToken: string;
  scan(qrUri: string): Promise<ApiAnswer>;
  approve(handshake: string, number?: string): Promise<ApiAnswer>;
  deny(handshake: string, reason?: string): Promise<ApiAnswer>;
  call(path: string, json: object): Promise<ApiAnswer>;
}

/** A person's phone after a sign-in with the password, with a token for the server's own API. */
export async function signedInPhone(
  strata: Origin,
  clientId: string,
  person: { email: string; password: string },
  scope = 'openid qr:approve',
): Promise<Phone> {
  const config = await discovered(strata, clientId);
  const verifier = client.randomPKCECodeVerifier();
  const resource = `${strata.origin}/api`;
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: phoneApp.redirect_uris?.[0] ?? '',
    scope,
    resource,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  const callback = await signInWithPassword(userAgent(strata.origin), address.href, person);
  const tokens = await client.authorizationCodeGrant(
    config,
    callback,
    { pkceCodeVerifier: verifier },
    { resource },
  );
  return phoneWith(strata, tokens.access_token);
}

export function phoneWith(strata: Origin, accessToken: string): Phone {
  const call = (path: string, json: object) =>
    callApi(`${strata.origin}${path}`, { json, headers: { authorization: `Bearer ${accessToken}` } });
  return {
    accessToken,
    call,
    scan: (qrUri) => {
      const [, id = '', code = ''] = /\/q\/m\/([\w-]+)#(.*)$/.exec(qrUri) ?? [];
      return call('/api/qr/scan', { id, code });
    },
    approve: (handshake, number) =>
      call('/api/qr/approve', { handshake, ...(number !== undefined && { number }) }),
    deny: (handshake, reason = 'not_me') => call('/api/qr/deny', { handshake, reason }),
  };
}

export interface Pc {
  clientId: string;
  verifier: string;
  /** The answer that opened the transaction. */
  opened: ApiAnswer['body'];
  look(query?: string, headers?: Record<string, string>): Promise<ApiAnswer>;
  cancel(): Promise<ApiAnswer>;
  redeem(parameters?: Record<string, string>): Promise<ApiAnswer>;
}

/** An app on a screen that shows a code. */
export async function openPc(
  strata: Origin,
  clientId: string,
  asked: Record<string, unknown> = {},
): Promise<Pc> {
  const verifier = randomBytes(32).toString('base64url');
  const answer = await callApi(`${strata.origin}/api/qr/transactions`, {
    json: {
      client_id: clientId,
      scope: 'openid profile offline_access',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...asked,
    },
    headers: { 'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Gecko/20100101 Firefox/140.0' },
  });
  if (answer.status !== 201) throw new Error(`not opened: ${answer.status} ${JSON.stringify(answer.body)}`);

  const opened = answer.body;
  const headers = { authorization: `Strata-QR ${opened.map_token}` };
  return {
    clientId,
    verifier,
    opened,
    look: (query = '', more = {}) =>
      callApi(`${opened.poll_uri}${query}`, { headers: { ...headers, ...more } }),
    cancel: () => callApi(opened.poll_uri, { method: 'DELETE', headers }),
    redeem: (parameters) => redeem(strata, { clientId, verifier, mapToken: opened.map_token }, parameters),
  };
}

/** The token endpoint, as the app calls it; `parameters` replace what it would send. */
export async function redeem(
  strata: Origin,
  pc: { clientId: string; verifier: string; mapToken: string },
  parameters: Record<string, string> = {},
): Promise<ApiAnswer> {
  return callApi(`${strata.origin}/token`, {
    form: {
      grant_type: MAP_TOKEN_GRANT,
      client_id: pc.clientId,
      map_token: pc.mapToken,
      code_verifier: pc.verifier,
      ...parameters,
    },
  });
}

/** A transaction that the phone has scanned, with the number that the screen shows. */
export async function scannedPc(
  strata: Origin,
  phone: Phone,
  clientId: string,
): Promise<{ pc: Pc; handshake: string; number: string }> {
  const pc = await openPc(strata, clientId);
  const { body } = await phone.scan(pc.opened.qr_uri);
  const { match_number: number } = (await pc.look()).body;
  return { pc, handshake: body.handshake, number };
}

/** A transaction that waits for its redemption, with the answer to "continue as …?". */
export async function approvedPc(
  strata: Origin,
  phone: Phone,
  clientId: string,
): Promise<{ pc: Pc; handshake: string; confirm: string }> {
  const { pc, handshake, number } = await scannedPc(strata, phone, clientId);
  await phone.approve(handshake, number);
  const { account } = (await pc.look()).body;
  return { pc, handshake, confirm: account.confirm };
}

async function discovered(strata: Origin, clientId: string): Promise<client.Configuration> {
  return client.discovery(new URL(strata.origin), clientId, undefined, client.None(), {
    execute: [client.allowInsecureRequests],
  });
}
