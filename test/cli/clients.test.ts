import { describe, expect, it } from 'vitest';
import { clientTypes } from '../../src/cli/client-types.ts';
import { emptyPlace, type Place } from './run-cli.ts';

const shop = { client_name: 'Shop', redirect_uris: ['https://shop.example/callback'] };

function create(place: Place, ...options: string[]) {
  return place.run(['clients', 'create', '--name', 'Shop', ...options]);
}

describe('strata clients create', () => {
  it('registers a web client and prints its secret once', async () => {
    const place = await emptyPlace();

    const { code, out } = await create(
      place,
      '--id',
      'shop',
      '--redirect-uri',
      'https://shop.example/callback',
    );
    const list = (await place.run(['clients', 'list', '--json'])).out;

    const secret =
      /^Registered Shop\n {2}client_id +shop\n {2}client_secret +([\w-]{43}) {3}shown now and never again\n$/.exec(
        out,
      )?.[1] ?? '';
    expect(secret).toHaveLength(43);
    expect(list).not.toContain(secret);
    expect(JSON.parse(list)).toEqual([
      {
        client_id: 'shop',
        client_id_issued_at: expect.any(Number),
        client_name: 'Shop',
        grant_types: ['authorization_code', 'refresh_token'],
        platforms: ['web'],
        redirect_uris: ['https://shop.example/callback'],
      },
    ]);
    expect(code).toBe(0);
  });

  it('knows every type, with what follows from it', async () => {
    const place = await emptyPlace();
    for (const type of clientTypes) {
      const isRedirected = ['web', 'spa', 'native'].includes(type);
      const address = isRedirected ? ['--redirect-uri', 'https://app.example/callback'] : [];
      const { code, err } = await create(place, '--id', type, '--type', type, ...address);
      expect(err.replace(/^Made a new database.*\n/, '')).toBe('');
      expect(code).toBe(0);
    }

    const table = (await place.run(['clients', 'list'])).out;

    expect(table).toMatch(/^CLIENT_ID +NAME +AUTHENTICATION +GRANTS +PLATFORMS +MARKS +CREATED\n/);
    expect(table).toMatch(/\ndevice +Shop +none +device_code,refresh_token +tv +20/);
    expect(table).toMatch(/\nnative +Shop +none +authorization_code,refresh_token +ios,android +20/);
    expect(table).toMatch(/\nservice +Shop +client_secret_basic +client_credentials +api +20/);
    expect(table).toMatch(/\nspa +Shop +none +authorization_code,refresh_token +web +20/);
    expect(table).toMatch(/\nweb +Shop +client_secret_basic +authorization_code,refresh_token +web +20/);
  });

  it('takes lists, marks and scopes, and answers as JSON for programs', async () => {
    const place = await emptyPlace();

    const { out } = await create(
      place,
      ...[
        '--type',
        'native',
        '--platform',
        'ios',
        '--platform',
        'ipad',
        '--first-party',
        '--scope',
        'openid profile',
      ],
      ...[
        '--redirect-uri',
        'com.example:/callback',
        '--post-logout-redirect-uri',
        'com.example:/out',
        '--json',
      ],
    );

    expect(JSON.parse(out)).toMatchObject({
      client_id: expect.any(String),
      application_type: 'native',
      platforms: ['ios', 'ipad'],
      redirect_uris: ['com.example:/callback'],
      post_logout_redirect_uris: ['com.example:/out'],
      first_party: true,
      scope: 'openid profile',
    });
    expect(JSON.parse(out)).not.toHaveProperty('client_secret');
  });

  it.each([
    [
      'no address to come back to',
      [],
      'A client of type web needs --redirect-uri: where its users come back to.',
    ],
    [
      'an address for a service',
      ['--type', 'service', '--redirect-uri', 'https://shop.example/'],
      'A client of type service is never redirected to: leave --redirect-uri out.',
    ],
    [
      'a type that there is not',
      ['--type', 'app'],
      `Option '--type <type>' argument 'app' is invalid. Allowed choices are web, spa, native, device, service.`,
    ],
  ])('refuses %s in one sentence', async (_what, options, sentence) => {
    const place = await emptyPlace();

    expect(await create(place, ...options)).toEqual({ code: 1, out: '', err: `${sentence}\n` });
  });

  it('refuses what the engine would refuse, before any user meets it', async () => {
    const place = await emptyPlace();

    const { code, err } = await create(place, '--redirect-uri', 'https://shop.example/#top');

    expect(err).toContain(
      'client 1 (Shop): redirect_uris must not contain fragments\nNothing was registered.\n',
    );
    expect(code).toBe(1);
    expect((await place.run(['clients', 'list', '--json'])).out).toBe('[]\n');
  });
});

describe('strata clients import', () => {
  it('registers one object', async () => {
    const place = await emptyPlace();
    const file = await place.write('shop.json', { ...shop, client_id: 'shop' });

    const { code, out } = await place.run(['clients', 'import', file]);

    expect(out).toMatch(
      /^Registered Shop\n {2}client_id +shop\n {2}client_secret +\S+ {3}shown now and never again\n1 of 1 clients registered\.\n$/,
    );
    expect(code).toBe(0);
  });

  it('registers an array from standard input, and repeats no secret that was in it', async () => {
    const place = await emptyPlace();
    const documents = [
      { ...shop, client_id: 'one', client_secret: 'a secret from elsewhere' },
      { ...shop, client_id: 'two', token_endpoint_auth_method: 'none' },
    ];

    const { out } = await place.run(['clients', 'import', '-'], { input: JSON.stringify(documents) });

    expect(out).toBe(
      'Registered Shop\n  client_id      one\nRegistered Shop\n  client_id      two\n2 of 2 clients registered.\n',
    );
  });

  it('registers none where one is wrong, and says of each what is', async () => {
    const place = await emptyPlace();
    await create(place, '--id', 'taken', '--redirect-uri', 'https://shop.example/callback');
    const file = await place.write('many.json', [
      { ...shop, client_id: 'good' },
      { ...shop, client_id: 'taken' },
      { ...shop, client_nam: 'Shop', grant_types: ['password'] },
      { client_name: 'Nowhere' },
      { ...shop, client_id: 'elsewhere', platforms: ['web', 'wbe'] },
      { ...shop, client_name: 'Signer', token_endpoint_auth_method: 'private_key_jwt' },
      'no object',
    ]);

    const { code, out, err } = await place.run(['clients', 'import', file]);

    expect(err.split('\n')).toEqual([
      'client 1 (good): nothing is wrong with it',
      'client 2 (taken): client_id taken is registered already',
      expect.stringMatching(/^client 3 \(Shop\): grant_types\[0\] must be one of authorization_code, /),
      'client 3 (Shop): client_nam is no setting that exists',
      'client 4 (Nowhere): redirect_uris is missing; only grant_types without authorization_code does without',
      expect.stringMatching(/^client 5 \(elsewhere\): platforms names wbe; this server knows ios, /),
      'client 6 (Signer): jwks or jwks_uri is mandatory for this client',
      'client 7: must be a JSON object',
      'Nothing was registered.',
      '',
    ]);
    expect(out).toBe('');
    expect(code).toBe(1);
    expect(JSON.parse((await place.run(['clients', 'list', '--json'])).out)).toHaveLength(1);
  });

  it('refuses a file that names one client twice', async () => {
    const place = await emptyPlace();
    const file = await place.write(
      'twice.json',
      [shop, shop].map((each) => ({ ...each, client_id: 'shop' })),
    );

    const { code, err } = await place.run(['clients', 'import', file]);

    expect(err).toContain('Client shop is there twice.\n');
    expect(code).toBe(1);
  });

  it.each([
    ['a file that is not there', undefined, /^\S+shop\.json cannot be used: there is no such file\.\n$/],
    ['what is no JSON', '{ "client_name": }', /^\S+shop\.json is no valid JSON: Unexpected token .*\.\n$/],
    ['an empty file', '', /^\S+shop\.json is no valid JSON: Unexpected end of JSON input\.\n$/],
    ['an empty list', '[]', /^\S+shop\.json holds no client\.\n$/],
    [
      'too many at once',
      JSON.stringify(Array(501).fill(shop)),
      /holds 501 clients; 500 are the most at once\.\n$/,
    ],
  ])('refuses %s in one sentence', async (_what, content, sentence) => {
    const place = await emptyPlace();
    const file =
      content === undefined ? `${place.directory}/shop.json` : await place.write('shop.json', content);

    const { code, out, err } = await place.run(['clients', 'import', file]);

    expect(err).toMatch(sentence);
    expect(err.trim()).not.toContain('\n');
    expect(out).toBe('');
    expect(code).toBe(1);
  });
});
