// What both servers know: two APIs, three clients and some accounts with one password. Everything is fixed,
// so that a server in another process needs to be told nothing.
import type { ClientMetadata } from '../src/clients/client.ts';

export const jwtApi = 'https://jwt.example/api';
export const opaqueApi = 'https://opaque.example/api';
export const apiScope = 'read';

export const apis = [
  { identifier: jwtApi, name: 'JWT', scopes: { [apiScope]: 'Read' }, tokenFormat: 'jwt' },
  { identifier: opaqueApi, name: 'Opaque', scopes: { [apiScope]: 'Read' }, tokenFormat: 'opaque' },
] as const;

export const redirectUri = 'https://app.example/callback';
export const password = 'correct horse battery staple';
/** Many, as sign-ins of one account wait for each other. */
export const accountsCount = 64;

export function emailOf(number: number): string {
  return `person-${number % accountsCount}@example.com`;
}

const secret = 'a secret that is long enough for a client';

/** An app that signs people in. */
export const app = {
  client_id: 'app',
  client_secret: secret,
  client_name: 'App',
  redirect_uris: [redirectUri],
  grant_types: ['authorization_code', 'refresh_token'],
  first_party: true,
  scope: `openid profile email offline_access ${apiScope}`,
} satisfies ClientMetadata;

/** A program without people. */
export const service = {
  client_id: 'service',
  client_secret: secret,
  client_name: 'Service',
  grant_types: ['client_credentials'],
  scope: apiScope,
} satisfies ClientMetadata;

/** The API that introspects what it is shown. */
export const api = {
  client_id: 'api',
  client_secret: secret,
  client_name: 'API',
  grant_types: [],
  audiences: [jwtApi, opaqueApi],
} satisfies ClientMetadata;

export const clients = [app, service, api];

export function basicAuth({
  client_id,
  client_secret,
}: {
  client_id: string;
  client_secret: string;
}): string {
  const pair = [client_id, client_secret].map(encodeURIComponent).join(':');
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}
