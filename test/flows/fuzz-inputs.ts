// Input that nobody honest sends, for fast-check: hostile values in the places where each endpoint looks.
import { generateKeyPairSync, sign } from 'node:crypto';
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { WireRequest } from '../support/socket-http.ts';

const big = 'a'.repeat(100_000);
const deep = '['.repeat(20_000);

/** Texts that break what does not expect them. */
const hostileTexts = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\r\nX-Injected: yes',
  '\n',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '../../../etc/passwd',
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' OR 1=1 --",
  '{"$gt":""}',
  '[object Object]',
  'undefined',
  'null',
  'true',
  '-1',
  '1e309',
  'NaN',
  '99999999999999999999',
  '\ud800',
  '𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ‮ \u202e',
  'ﬁ ı ſ İ',
  'javascript:alert(1)',
  'https://evil.example/',
  '//evil.example',
  '/\\evil.example',
  'urn:ietf:params:oauth:request_uri:nothing',
  'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  'eyJhbGciOiJub25lIn0.e30.',
  'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.AAAA',
  'eyJhbGciOiJFUzI1NiJ9.W10.AAAA',
  'e30.e30.e30',
  'rt_AAAAAAAAAAAAAAAAAAAAAA.1.1.1.k.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'rt_AAAAAAAAAAAAAAAAAAAAAA.2147483647.1.1.__proto__.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'ses_AAAAAAAAAAAAAAAAAAAAAA',
  'A'.repeat(43),
  'x'.repeat(4_096),
  big,
] as const;

/** Percent-encodings that are none, or of no text. */
const brokenEncodings = [
  '%',
  '%z',
  '%zz',
  '%00',
  '%0d%0aX-Injected:%20yes',
  '%c0%ae',
  '%ED%A0%80',
  '%FF%FE',
  '%u0041',
  '+%+',
];

export const hostileText = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...hostileTexts) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 300 }) },
);

const shortText = hostileText.filter((text) => text.length <= 4_096);

/** As it stands in a query or a form. */
function encoded(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 8, arbitrary: text.map((value) => encodeURIComponent(value.toWellFormed())) },
    { weight: 2, arbitrary: fc.constantFrom(...brokenEncodings) },
  );
}

const hostileNames = [
  '__proto__',
  'constructor',
  'client_id[]',
  'client_id[$gt]',
  'a[b][c]',
  '',
  'length',
  'then',
];

/** What endpoints ask for, and what it would have to be. */
export interface Fields {
  readonly [name: string]: readonly string[];
}

/** Pairs of a form or a query: mostly names that are looked at, once or several times, good or hostile. */
export function hostilePairs(fields: Fields, text: fc.Arbitrary<string> = hostileText): fc.Arbitrary<string> {
  const names = Object.keys(fields);
  const pair = fc.constantFrom(...names, ...names, ...hostileNames).chain((name) => {
    const good = Object.hasOwn(fields, name) ? (fields[name] ?? []) : [];
    const value = fc.oneof(
      { weight: good.length > 0 ? 6 : 0, arbitrary: fc.constantFrom('', ...good).map(encodeURIComponent) },
      { weight: 5, arbitrary: encoded(text) },
    );
    return value.map((given) => `${encodeURIComponent(name)}=${given}`);
  });
  return fc
    .array(pair, { maxLength: 8 })
    .chain((pairs) => fc.constantFrom('&', '&', '&', '&&', ';').map((separator) => pairs.join(separator)));
}

/** A whole and good form in which one or two fields have gone wrong. */
export function spoiltForm(fields: Fields): fc.Arbitrary<string> {
  const names = Object.keys(fields);
  const spoilt = fc.array(fc.tuple(fc.constantFrom(...names), encoded(hostileText)), { maxLength: 2 });
  return fc.tuple(spoilt, fc.constantFrom('replace', 'add', 'drop')).map(([changes, how]) => {
    const pairs = names.map((name) => [name, encodeURIComponent(fields[name]?.[0] ?? '')] as const);
    const changed = new Map<string, string>(changes);
    const kept = how === 'add' ? pairs : pairs.filter(([name]) => !changed.has(name));
    return [...kept, ...(how === 'drop' ? [] : changed)].map((pair) => pair.join('=')).join('&');
  });
}

/** JSON that schemas do not expect, and texts that are no JSON. */
export function hostileJson(fields: Fields): fc.Arbitrary<string> {
  const names = Object.keys(fields);
  const value = fc.oneof(
    fc.constantFrom<unknown>(null, true, 0, -1, 1e308, [], {}, { $gt: '' }, ['a', 'b'], { toString: 1 }),
    hostileText,
    fc.constantFrom(...Object.values(fields).flat()),
  );
  const object = fc.dictionary(fc.constantFrom(...names, '__proto__', 'constructor'), value, { maxKeys: 8 });
  return fc.oneof(
    { weight: 6, arbitrary: object.map((given) => JSON.stringify(given)) },
    { weight: 2, arbitrary: fc.json({ maxDepth: 4 }) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        '',
        '{',
        'null',
        '[]',
        '"text"',
        '{"__proto__":{"isAdmin":true}}',
        '{"a":1e999}',
        '\ufeff{}',
        deep,
        `{"id":"${big}"}`,
      ),
    },
  );
}

/** An object with all that is asked for, of which one or two members have gone wrong. */
export function spoiltJson(fields: Fields): fc.Arbitrary<string> {
  const good = Object.fromEntries(Object.entries(fields).map(([name, [value]]) => [name, value]));
  const value = fc.oneof(
    hostileText,
    fc.constantFrom<unknown>(null, true, 11, -1, 1e308, [], {}, { $gt: '' }, ['a']),
  );
  const change = fc.tuple(fc.constantFrom(...Object.keys(fields), '__proto__'), value);
  return fc
    .array(change, { maxLength: 2 })
    .map((changes) => JSON.stringify({ ...good, ...Object.fromEntries(changes) }));
}

export const methods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'QUERY',
];

const contentTypes = [
  'application/x-www-form-urlencoded',
  'application/x-www-form-urlencoded; charset=utf-16le',
  'application/x-www-form-urlencoded; charset=nothing',
  'application/x-www-form-urlencoded;;;=',
  'application/json',
  'application/json; charset=__proto__',
  'multipart/form-data; boundary=x',
  'multipart/form-data',
  'text/plain',
  'application/xml',
  'application/vnd.api+json',
  '/',
  '*/*',
  '',
];

export const contentType = fc.oneof(
  { weight: 4, arbitrary: fc.constant('application/x-www-form-urlencoded') },
  { weight: 2, arbitrary: fc.constant('application/json') },
  { weight: 3, arbitrary: fc.constantFrom(...contentTypes) },
);

/** What a header may hold on the wire: no control characters, which Node refuses before we see them. */
const headerText = shortText.map((text) =>
  text
    .toWellFormed()
    .replaceAll(/[^\x20-\x7e\x80-\xff]/g, '?')
    .slice(0, 2_000),
);

type Header = readonly [name: string, value: string];

const oddHeaders: readonly Header[] = [
  ['Accept', 'application/json'],
  ['Accept', 'text/html'],
  ['Accept', 'nothing/*;q=x, ;;,'],
  ['Accept', '*/*;q=0'],
  ['Accept-Encoding', 'identity;q=0'],
  ['Accept-Language', `${'zh-'.repeat(600)}`],
  ['Access-Control-Request-Headers', 'x, \x80'],
  ['Access-Control-Request-Method', 'POST'],
  ['Content-Encoding', 'gzip'],
  ['Content-Encoding', 'nothing'],
  ['Cookie', 'strata_session=a; strata_session=b; strata_session.sig=c'],
  ['Cookie', 'strata_browser=%zz.%00; strata_language=__proto__'],
  ['Cookie', `strata_browser=${'a.'.repeat(1_000)}`],
  ['Cookie', '=;;=; =a; \x80=\xff'],
  ['DPoP', 'eyJhbGciOiJub25lIiwidHlwIjoiZHBvcCtqd3QifQ.e30.'],
  ['DPoP', 'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIn19.e30.AAAA'],
  ['Expect', '100-continue'],
  ['Forwarded', 'for=_x;host=evil.example'],
  ['Host', 'evil.example'],
  ['If-Modified-Since', 'never'],
  ['If-None-Match', '*'],
  ['Origin', 'https://evil.example'],
  ['Origin', 'null'],
  ['Range', 'bytes=9999-1'],
  ['Sec-Fetch-Site', 'cross-site'],
  ['Transfer-Encoding', 'chunked'],
  ['Upgrade', 'websocket'],
  ['User-Agent', 'Mozilla/'.repeat(200)],
  ['X-Forwarded-For', '1.2.3.4, evil, ::ffff:1.2.3.4%eth0'],
  ['X-Forwarded-Host', 'evil.example'],
  ['X-Forwarded-Proto', 'gopher'],
  ['X-HTTP-Method-Override', 'DELETE'],
];

const textHeaders = [
  'Accept',
  'Accept-Language',
  'Authorization',
  'Cookie',
  'DPoP',
  'If-None-Match',
  'Last-Event-ID',
  'Origin',
  'Referer',
  'User-Agent',
  'X-Forwarded-For',
];

const authorization = fc.oneof(
  headerText.map((text) => `Basic ${Buffer.from(text).toString('base64')}`),
  headerText.map((text) => `Basic ${Buffer.from(`${encodeURIComponent(text)}:${text}`).toString('base64')}`),
  headerText.map((text) => `Bearer ${text}`),
  headerText.map((text) => `Strata-QR ${text}`),
  headerText.map((text) => `DPoP ${text}`),
  headerText,
);

export const hostileHeaders: fc.Arbitrary<Header[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...oddHeaders) },
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...textHeaders), headerText) },
    { weight: 2, arbitrary: authorization.map((value) => ['Authorization', value] as const) },
  ),
  { maxLength: 4 },
);

/** The same place by other spellings, and places beside it. */
export function spelt(path: string): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 8, arbitrary: fc.constant(path) },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        path.toUpperCase(),
        `${path}/`,
        `/${path}`,
        `${path}//`,
        `/.${path}`,
        `${path}/..`,
        `${path}%00`,
        `${path}%2f`,
        `${path}.html`,
        `${path}/%zz`,
        path.replace('/', '/%2e%2e/'),
        path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
        `http://evil.example${path}`,
        `http://[${path}`,
      ),
    },
    { weight: 1, arbitrary: encoded(shortText).map((text) => `${path}/${text.slice(0, 4_000)}`) },
  );
}

export interface Compressed {
  encoding: string;
  bytes: Buffer;
}

/** A small body that becomes a big one. */
export const bombs: readonly Compressed[] = [
  { encoding: 'gzip', bytes: gzipSync(Buffer.alloc(20_000_000, 'a=b&')) },
  { encoding: 'deflate', bytes: deflateSync(Buffer.alloc(20_000_000, 'a=b&')) },
];

/** A request in which everything may be wrong at once. */
export function hostileRequest(paths: readonly string[], fields: Fields): fc.Arbitrary<WireRequest> {
  const body = fc.oneof(
    { weight: 4, arbitrary: hostilePairs(fields) },
    { weight: 2, arbitrary: hostileJson(fields) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 2, arbitrary: fc.constant(undefined) },
  );
  return fc
    .record({
      method: fc.constantFrom(...methods, 'GET', 'POST', 'POST'),
      path: fc.constantFrom(...paths).chain(spelt),
      query: hostilePairs(fields, shortText),
      headers: hostileHeaders,
      type: contentType,
      body,
    })
    .map(({ method, path, query, headers, type, body: given }) => ({
      method,
      target: `${path}${query === '' ? '' : `?${query.slice(0, 8_000)}`}`.replaceAll(' ', '%20'),
      headers: given === undefined ? headers : [['Content-Type', type] as const, ...headers],
      body: given,
    }));
}

const oddValues: unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  9_999_999_999,
  '',
  'x',
  'a\0b',
  '\ud800',
  'https://evil.example',
  'x'.repeat(3_000),
  [],
  {},
  [['a']],
  ['a', 'b'],
  { $gt: '' },
  { toString: 'x', length: 1 },
];

type Change = readonly [name: string, value: unknown];

/** One to three members that become odd. */
function changesOf(names: readonly string[]): fc.Arbitrary<Change[]> {
  const change = fc.tuple(
    fc.constantFrom(...names, ...names, '__proto__', 'crit', 'b64', 'nbf'),
    fc.constantFrom(...oddValues),
  );
  return fc.oneof(fc.tuple(change), fc.array(change, { maxLength: 3 }));
}

export interface SigningParty {
  jwk: Record<string, unknown>;
  /** A JWT (ES256) that is good but for a few members of its header or its claims, which are made for each. */
  nonsense(good: { header: object; claims: () => object }): fc.Arbitrary<string>;
}

export function signingParty(): SigningParty {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  function signed(header: object, claims: unknown): string {
    const content = [header, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const signature = sign('sha256', Buffer.from(content), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return `${content}.${signature.toString('base64url')}`;
  }

  return {
    jwk: { ...publicKey.export({ format: 'jwk' }) },
    nonsense: ({ header, claims }) =>
      fc.oneof(
        {
          weight: 6,
          arbitrary: changesOf(Object.keys(claims())).map((changes) =>
            signed(header, { ...claims(), ...Object.fromEntries(changes) }),
          ),
        },
        {
          weight: 3,
          arbitrary: changesOf(Object.keys(header)).map((changes) =>
            signed({ ...header, ...Object.fromEntries(changes) }, claims()),
          ),
        },
        { weight: 1, arbitrary: fc.constantFrom(...oddValues).map((given) => signed(header, given)) },
      ),
  };
}
