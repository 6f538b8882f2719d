// I7: a copy of the database contains no usable token, code, password or secret; logs, URLs and errors neither.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Key, keyUses } from '../../src/keys/keyring.ts';
import { qrTransactions } from '../../src/qr/transaction.ts';
import { recordTypes } from '../../src/records.ts';
import { databaseImage } from '../support/database-image.ts';
import { testMasterSecret } from '../support/test-config.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { type Exchange, recordTraffic } from '../support/traffic.ts';
import { type Find, findSecrets } from './secret-search.ts';
import { type Secret, type SecretKind, secretsOf } from './secrets-of-traffic.ts';
import { apis, runSecretsScenario, type Told } from './secrets-scenario.ts';

let strata: TestServer;
let exchanges: Exchange[];
let told: Told;
let secrets: Secret[];
/** What was written beside the log. */
const printed: string[] = [];
/** Every write of the store as text: what was replaced or removed since is not in the file any more. */
const written: string[] = [];
const writtenTypes = new Set<string>();
/** Types of records that no request writes, and why there is nothing in them to be kept. */
const beyondRequests: Readonly<Record<string, string>> = {
  restore: 'when the store was last restored from a backup',
  lease: 'which process does the work in the background, by a name that it made up',
};

beforeAll(async () => {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (text: string | Uint8Array) => boolean;
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      printed.push(String(text));
      return write(text);
    });
  }
  strata = await startTestServer({
    file: true,
    config: { apis: apis.map((api) => ({ ...api, scopes: { ...api.scopes } })) },
  });
  const { commit } = strata.store;
  strata.store.commit = (writes) => {
    for (const { type } of writes) writtenTypes.add(type.name);
    written.push(JSON.stringify(writes));
    return commit(writes);
  };
  const traffic = recordTraffic();
  told = await runSecretsScenario(strata).finally(traffic.stop);
  exchanges = traffic.exchanges;
  secrets = distinct([
    ...told.secrets,
    { kind: 'client credential', value: testMasterSecret },
    ...keyUses.flatMap((use) => strata.server.keyring.all(use).flatMap(secretsOfKey)),
    ...exchanges.flatMap(secretsOf),
  ]);
}, 60_000);

afterAll(async () => {
  vi.restoreAllMocks();
  await strata.close();
});

describe('what the search looks for', () => {
  it('is every kind of secret there is', () => {
    const kinds = new Set(secrets.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(
      [
        'authorization code',
        'bearer',
        'canary',
        'client credential',
        'cookie',
        'device code',
        'form value',
        'interaction',
        'key',
        'mail code',
        'password',
        'proof',
        'pushed request',
        'qr',
        'user code',
      ].sort(),
    );
    expect(secrets.length).toBeGreaterThan(500);
  });

  it.each([
    ['as it is', (value: string) => value],
    ['in base64, within something longer', (value: string) => Buffer.from(`a${value}b`).toString('base64')],
    ['in base64url', (value: string) => Buffer.from(`{"${value}`).toString('base64url')],
    ['in hex', (value: string) => Buffer.from(value).toString('hex')],
    ['in a query', encodeURIComponent],
    ['as the bytes it stands for', (value: string) => Buffer.from(value, 'base64url')],
  ])('is found %s', (_how, spelt) => {
    const planted = secrets.filter(({ kind, value }) => kind === 'cookie' && /^[\w-]{30,}$/.test(value))[0];
    const hay = Buffer.concat([
      Buffer.from('before '),
      Buffer.from(spelt(planted?.value ?? '')),
      Buffer.from('!'),
    ]);

    expect(findSecrets(hay, secrets).map(({ value }) => value)).toContain(planted?.value);
    expect(findSecrets(Buffer.from('before !'), secrets)).toEqual([]);
  });

  it('is found in the database when it is there', async () => {
    const [secret] = secrets;
    expect(await findInDatabase(secrets)).toEqual([]);
    const remove = await databaseImage(strata).plant(`{"token":"${secret?.value}"}`);

    expect((await findInDatabase(secrets)).map(({ value }) => value)).toContain(secret?.value);
    await remove();
  });
});

describe('the database', () => {
  it('contains none of them (I7)', async () => {
    expect(await findInDatabase(secrets)).toEqual([]);
  });

  it('never had any of them (I7)', () => {
    expect(written.length).toBeGreaterThan(200);
    expect(findSecrets(written.join('\n'), secrets)).toEqual([]);
  });

  it.each(recordTypes.map(({ name }) => name))('was searched for them in records of type %s', (name) => {
    // A type that is new belongs into the scenario, or into the list above with the reason why not.
    expect(writtenTypes.has(name)).toBe(beyondRequests[name] === undefined);
  });

  it('has no number of QR sign-in', async () => {
    const { records } = await strata.store.scan(qrTransactions, { limit: 100 });
    expect(records.length).toBeGreaterThan(2);
    const leaves = records.flatMap(leavesOf).map(String);
    expect(told.numbers.filter((number) => leaves.includes(number))).toEqual([]);
  });
});

describe('the log', () => {
  it('contains none of them (I7)', () => {
    expect(strata.log.length).toBeGreaterThan(300);
    expect(strata.log.some((line) => line.includes('the disk is gone'))).toBe(true);
    expect(findSecrets(strata.log.join(''), secrets)).toEqual([]);
  });

  it('has no number of QR sign-in', () => {
    const leaves = strata.log.flatMap((line) => leavesOf(withoutMeasures(JSON.parse(line)))).map(String);
    expect(told.numbers.filter((number) => leaves.includes(number))).toEqual([]);
  });

  it('is all that is printed', () => {
    expect(findSecrets(printed.join(''), secrets)).toEqual([]);
  });
});

/** What a page may say to the browser that it is drawn for: where its forms lead and what they carry. */
const ownForms: ReadonlySet<SecretKind> = new Set(['form value', 'interaction', 'mail code', 'user code']);
/** What the protocol puts into addresses: codes on their way to an app, and pages of a request under way. */
const inAddresses: ReadonlySet<SecretKind> = new Set(['authorization code', 'interaction']);

describe('an error', () => {
  it('repeats none of them (I7)', () => {
    const refusals = exchanges.filter(({ status }) => status >= 400).map(({ body }) => body);
    expect(refusals.length).toBeGreaterThan(150);
    const [forms, plain] = [refusals.filter(isForm), refusals.filter((body) => !isForm(body))];
    expect(findSecrets(plain.join('\n'), secrets)).toEqual([]);
    expect(findSecrets(forms.join('\n'), secrets).filter(({ kind }) => !ownForms.has(kind))).toEqual([]);
  });

  it('has none of them in its headers (I7)', () => {
    const lines = exchanges.flatMap(({ headers }) =>
      [...headers].filter(([name]) => name !== 'set-cookie' && name !== 'location').map(String),
    );
    expect(findSecrets(lines.join('\n'), secrets)).toEqual([]);
  });
});

describe('an address', () => {
  it('that the server redirects to carries only what the protocol puts there (I7)', () => {
    const locations = exchanges.flatMap(({ headers }) => headers.get('location') ?? []);
    expect(locations.length).toBeGreaterThan(50);
    expect(unexpected(findSecrets(locations.join('\n'), secrets))).toEqual([]);
  });

  it('on a page carries no secret but the name of the request under way (I7)', () => {
    const pages = exchanges.filter(({ headers }) => /html/.test(headers.get('content-type') ?? ''));
    const links = pages.flatMap(({ body }) =>
      [...body.matchAll(/(?:href|src|action)="([^"]*)"/g)].map(([, address = '']) => address),
    );
    expect(links.length).toBeGreaterThan(100);
    // `verification_uri_complete` has the code by RFC 8628 §3.3.1; the switch of language there keeps it.
    const others = links.filter((address) => !address.startsWith('?user_code='));
    expect(unexpected(findSecrets(others.join('\n'), secrets))).toEqual([]);
  });
});

/** Of a signing key its private number; the rest of it is published. */
function secretsOfKey({ use, bytes }: Key): Secret[] {
  const value = use === 'signing' ? JSON.parse(bytes.toString()).d : bytes.toString('base64url');
  return [{ kind: 'key', value }];
}

function isForm(body: string): boolean {
  return body.includes('<form');
}

function unexpected(finds: readonly Find[]): Find[] {
  return finds.filter(({ kind }) => !inAddresses.has(kind));
}

async function findInDatabase(wanted: readonly Secret[]): Promise<Find[]> {
  const bytes = await databaseImage(strata).bytes();
  expect(Buffer.concat(bytes).length).toBeGreaterThan(50_000);
  return bytes.flatMap((each) => findSecrets(each, wanted));
}

function leavesOf(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leavesOf) : [value];
}

/** How long a request took may be any number. */
function withoutMeasures({ ms: _ms, ...line }: Record<string, unknown>): object {
  return line;
}

/** Each value once. The name of a request under way is also what its cookie holds, beside its signature. */
function distinct(all: readonly Secret[]): Secret[] {
  const interactions = all.filter(({ kind }) => kind === 'interaction');
  return [...new Map([...all, ...interactions].map((secret) => [secret.value, secret])).values()];
}
