// The secrets of an exchange, found by the names they travel under: whatever a scenario does, nothing it sends
// or gets is forgotten.
import type { Exchange } from '../support/traffic.ts';

export type SecretKind =
  | 'authorization code'
  | 'bearer'
  | 'client credential'
  | 'cookie'
  | 'device code'
  | 'form value'
  | 'interaction'
  | 'key'
  | 'mail code'
  | 'password'
  | 'proof'
  | 'pushed request'
  | 'qr'
  | 'user code'
  | 'canary';

export interface Secret {
  kind: SecretKind;
  value: string;
}

/** Parameters of queries and forms, members of JSON, fields of pages. */
const kindByName: Readonly<Record<string, SecretKind>> = {
  access_token: 'bearer',
  client_assertion: 'client credential',
  client_secret: 'client credential',
  code_verifier: 'proof',
  confirm: 'qr',
  csrf: 'form value',
  device_code: 'device code',
  handshake: 'qr',
  id_token: 'bearer',
  id_token_hint: 'bearer',
  map_token: 'qr',
  password: 'password',
  refresh_token: 'bearer',
  token: 'bearer',
  user_code: 'user code',
  xsrf: 'form value',
};

/** Shorter values are words and small numbers, of which a database is full. */
const LENGTH_MIN = 8;
const PIECE_MIN = 20;

export function secretsOf(exchange: Exchange): Secret[] {
  const { requestHeaders, requestBody, headers, body } = exchange;
  const location = headers.get('location');
  const isJson = /json/.test(headers.get('content-type') ?? '');
  const all = [
    ...secretsOfUrl(exchange.url),
    ...(location === null ? [] : secretsOfUrl(new URL(location, exchange.url).href)),
    ...secretsOfForm(requestBody, new URL(exchange.url).pathname),
    ...secretsOfAuthorization(requestHeaders.get('authorization') ?? ''),
    ...named('proof', requestHeaders.get('dpop') ?? ''),
    ...secretsOfCookies(requestHeaders.get('cookie') ?? ''),
    ...headers.getSetCookie().flatMap((line) => secretsOfCookies(line.split(';')[0] ?? '')),
    ...(isJson ? secretsOfJson(parsed(body)) : secretsOfPage(body)),
    ...secretsOfJson(parsed(requestBody)),
    ...secretsOfScan(parsed(requestBody)),
  ];
  return all.filter(({ value }) => value.length >= LENGTH_MIN).flatMap(withPieces);
}

function secretsOfUrl(url: string): Secret[] {
  const { pathname, searchParams, hash } = new URL(url);
  const [, uid] = /^\/(?:interaction|authorize|device)\/([\w-]{21,})/.exec(pathname) ?? [];
  return [
    ...[...searchParams].flatMap(([name, value]) => secretOfField(name, value)),
    ...(uid === undefined ? [] : named('interaction', uid)),
    ...(/^\/q\/[mp]\//.test(pathname) ? named('qr', hash.slice(1)) : []),
  ];
}

function secretsOfForm(body: string, path: string): Secret[] {
  if (body.startsWith('{')) return [];

  return [...new URLSearchParams(body)].flatMap(([name, value]) =>
    name === 'code' && /\/sign-up/.test(path) ? named('mail code', value) : secretOfField(name, value),
  );
}

function secretOfField(name: string, value: string): Secret[] {
  if (name === 'code') return named('authorization code', value);
  if (name === 'request_uri') return named('pushed request', value);

  const kind = kindByName[name];
  return kind === undefined ? [] : named(kind, value);
}

function secretsOfAuthorization(header: string): Secret[] {
  const [scheme = '', value = ''] = header.split(' ');
  if (!/^basic$/i.test(scheme)) return named('bearer', value);

  const [, secret = ''] = Buffer.from(value, 'base64').toString().split(':');
  return [...named('client credential', formDecoded(secret)), ...named('client credential', value)];
}

/** What is sent as it should not be (nonsense on purpose) is looked for as it was sent. */
function formDecoded(text: string): string {
  return /%(?![0-9a-f]{2})|%[89a-f]/i.test(text) ? text : decodeURIComponent(text);
}

function secretsOfCookies(cookies: string): Secret[] {
  return cookies.split(/;\s*/).flatMap((pair) => {
    const [name = '', ...value] = pair.split('=');
    return name === 'strata_language' ? [] : named('cookie', value.join('='));
  });
}

/** What the panel of a phone sends: the code that it has scanned. */
function secretsOfScan(value: unknown): Secret[] {
  const code = typeof value === 'object' && value !== null && 'code' in value ? value.code : undefined;
  return typeof code === 'string' ? named('qr', code) : [];
}

function secretsOfJson(value: unknown): Secret[] {
  if (Array.isArray(value)) return value.flatMap(secretsOfJson);
  if (typeof value !== 'object' || value === null) return [];

  return Object.entries(value).flatMap(([name, member]) => {
    if (typeof member !== 'string') return secretsOfJson(member);
    // A refusal's `code` is no secret, and a number match says how it is confirmed.
    if (name === 'code' || member === 'number') return [];
    return URL.canParse(member) ? secretsOfUrl(member) : secretOfField(name, member);
  });
}

function secretsOfPage(body: string): Secret[] {
  const fields = [...body.matchAll(/name="(csrf|xsrf)" value="([^"]*)"/g)];
  return fields.flatMap(([, , value = '']) => named('form value', value));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function named(kind: SecretKind, value: string): Secret[] {
  return value === '' ? [] : [{ kind, value }];
}

/** What is secret about a value with parts: the signature of a JWT, the MAC of a refresh token, an id in a URN. */
function withPieces(secret: Secret): Secret[] {
  const pieces = secret.value.split(/[.:~]/).filter((piece) => piece.length >= PIECE_MIN);
  const secretPieces = pieces.filter((piece) => !/^(eyJ|rt_|ses_)/.test(piece));
  const dashless = secret.kind === 'user code' ? [secret.value.replaceAll('-', '')] : [];
  return [secret.value, ...secretPieces, ...dashless].map((value) => ({ kind: secret.kind, value }));
}
