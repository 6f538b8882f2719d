import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientRecords, defaultPlatform } from '../../src/clients/client.ts';
import {
  CLIENTS_TOPIC,
  type ClientRegistry,
  clientRegistry,
  parseClientMetadata,
} from '../../src/clients/client-registry.ts';
import { type Keyring, keyRecords, openKeyring } from '../../src/keys/keyring.ts';
import { masterKeyOf } from '../../src/keys/master-secret.ts';
import { openStore } from '../../src/storage/open.ts';
import { patch, type Store } from '../../src/storage/store.ts';
import { forwardingStore } from '../support/forwarding-store.ts';
import { type TestClock, testClock } from '../support/test-clock.ts';

let clock: TestClock;
let store: Store;
let keyring: Keyring;
let clients: ClientRegistry;

beforeEach(async () => {
  clock = testClock();
  store = await openStore({ url: 'sqlite::memory:', dataDir: '', clock, types: [keyRecords, clientRecords] });
  keyring = await openKeyring({ store, clock, masters: { current: masterKeyOf('test') } });
  clients = clientRegistry({ store, clock, keyring });
});

afterEach(() => store.close());

const web = { client_name: 'Shop', redirect_uris: ['https://shop.example/callback'] };

describe('create', () => {
  it('gives a confidential client an id and a secret, and keeps only a MAC of it (I7)', async () => {
    const { client, secret = '' } = await clients.create(web);
    const stored = JSON.stringify((await store.scan(clientRecords, { limit: 10 })).records);

    expect(secret).toHaveLength(43);
    expect(stored).not.toContain(secret);
    expect(clients.secretMatches(client.secretMac ?? '', secret)).toBe(true);
    expect(clients.secretMatches(client.secretMac ?? '', `${secret}x`)).toBe(false);
    expect(clients.secretMatches(client.secretMac ?? '', client.secretMac ?? '')).toBe(false);
  });

  it('gives a public client no secret', async () => {
    const { client, secret } = await clients.create({ ...web, token_endpoint_auth_method: 'none' });

    expect(secret).toBeUndefined();
    expect(client.secretMac).toBeUndefined();
  });

  it('refuses an id that is taken and leaves the client that has it alone', async () => {
    await clients.create({ ...web, client_id: 'shop' });

    await expect(clients.create({ client_id: 'shop', client_name: 'Thief' })).rejects.toMatchObject({
      code: 'conflict',
    });
    expect((await clients.find('shop'))?.metadata.client_name).toBe('Shop');
  });
});

describe('parseClientMetadata', () => {
  it.each([
    ['an unknown member', { ...web, redirect_url: 'https://x.example' }],
    ['a relative redirect', { redirect_uris: ['/callback'] }],
    ['a short secret', { ...web, client_secret: 'short' }],
    ['an id with spaces', { ...web, client_id: 'my shop' }],
    ['an unknown grant', { ...web, grant_types: ['password'] }],
    ['a list', [web]],
    ['nothing', null],
  ])('refuses %s', (_name, metadata) => {
    expect(() => parseClientMetadata(metadata)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });
});

describe('find', () => {
  it('gives the same object until the record changes', async () => {
    const { client } = await clients.create(web);
    const first = await clients.find(client.id);
    clock.advance(1_000);
    const later = await clients.find(client.id);
    await store.commit([patch(clientRecords, client.id, { set: [[['disabled'], true]] })]);
    clock.advance(1_000);

    expect(later).toBe(first);
    expect(await clients.find(client.id)).toMatchObject({ id: client.id, disabled: true });
  });

  it('sees what another process changed within a second, though the wake-up was lost', async () => {
    const { client } = await clients.create(web);
    await clients.find(client.id);
    await store.commit([
      { kind: 'patch', type: clientRecords, id: client.id, when: [], set: [[['disabled'], true]] },
    ]);

    clock.advance(1_000);
    expect((await clients.find(client.id))?.disabled).toBe(true);
  });
});

describe('a change by another process', () => {
  /** A registry as another process has it, told of changes as a server is; `heard` resolves when it was. */
  function elsewhere() {
    const other = clientRegistry({ store, clock, keyring });
    const heard = Promise.withResolvers<string | undefined>();
    store.subscribe(CLIENTS_TOPIC, (id) => {
      other.forget(id);
      heard.resolve(id);
    });
    return { other, heard: heard.promise };
  }

  it.each<[string, () => Promise<unknown>]>([
    ['an update', () => clients.ensure({ ...web, client_id: 'shop', client_name: 'Renamed' })],
    ['a new generation', () => clients.advanceGeneration('shop', 1)],
  ])('is seen at once: %s', async (_what, change) => {
    await clients.create({ ...web, client_id: 'shop' });
    const { other, heard } = elsewhere();
    const before = await other.find('shop');

    await change();

    expect(await heard).toBe('shop');
    expect(await other.find('shop')).not.toEqual(before);
    expect(await other.find('shop')).toEqual(await store.get(clientRecords, 'shop'));
  });

  it('is told for a new client, too', async () => {
    const { heard } = elsewhere();
    const { client } = await clients.create(web);

    expect(await heard).toBe(client.id);
  });

  it('is seen where it came while the client was being read', async () => {
    await clients.create({ ...web, client_id: 'shop' });
    const gate = Promise.withResolvers<void>();
    const slow = forwardingStore(store, {
      get: async (...args) => {
        const read = await store.get(...args);
        await gate.promise;
        return read;
      },
    });
    const other = clientRegistry({ store: slow, clock, keyring });
    const early = other.find('shop');
    await store.commit([patch(clientRecords, 'shop', { set: [[['disabled'], true]] })]);

    other.forget('shop');
    gate.resolve();

    expect((await early)?.disabled).toBeUndefined();
    expect((await other.find('shop'))?.disabled).toBe(true);
  });

  it('may be any: where wake-ups were lost, every client is looked up again, and unchanged ones stay', async () => {
    await clients.create({ ...web, client_id: 'shop' });
    await clients.create({ ...web, client_id: 'blog' });
    const [shop, blog] = [await clients.find('shop'), await clients.find('blog')];
    await store.commit([patch(clientRecords, 'shop', { set: [[['disabled'], true]] })]);

    clients.forget();

    expect(await clients.find('shop')).toEqual({ ...shop, disabled: true });
    expect(await clients.find('blog')).toBe(blog);
  });
});

describe('find of an id that nobody has', () => {
  it('reads nothing where no client can be called that', async () => {
    const id = 'x'.repeat(129);
    await store.commit([
      {
        kind: 'put',
        type: clientRecords,
        id,
        body: { id, metadata: {}, createdAt: 0, sessionGeneration: 1 },
      },
    ]);

    expect(await clients.find(id)).toBeUndefined();
  });

  it('is not remembered: the client is there as soon as another process has made it', async () => {
    expect(await clients.find('shop')).toBeUndefined();
    const { client } = await clients.create({ ...web, client_id: 'other' });
    await store.commit([
      { kind: 'insert', type: clientRecords, id: 'shop', body: { ...client, id: 'shop' } },
    ]);

    expect((await clients.find('shop'))?.id).toBe('shop');
  });

  it('pushes no client out of the cache, however many are asked for', async () => {
    await clients.create({ ...web, client_id: 'shop' });
    const known = await clients.find('shop');
    for (let number = 0; number < 10_001; number += 1) await clients.find(`nobody ${number}`);

    expect(await clients.find('shop')).toBe(known);
  });

  it('follows a client that was removed within a second', async () => {
    await clients.create({ ...web, client_id: 'shop' });
    await clients.find('shop');
    await store.commit([{ kind: 'remove', type: clientRecords, id: 'shop', when: [] }]);
    clock.advance(1_000);

    expect(await clients.find('shop')).toBeUndefined();
  });
});

describe('ensure', () => {
  it('brings a client up to date and leaves its generation alone', async () => {
    await clients.ensure({ ...web, client_id: 'own' });
    await clients.advanceGeneration('own', 1);
    await clients.ensure({ ...web, client_id: 'own', client_name: 'Renamed' });

    expect(await clients.find('own')).toMatchObject({
      metadata: { client_name: 'Renamed' },
      sessionGeneration: 2,
    });
  });
});

describe('advanceGeneration', () => {
  it('lets one of two that read the same generation advance it', async () => {
    await clients.create({ ...web, client_id: 'service' });

    expect(await clients.advanceGeneration('service', 1)).toBe(true);
    expect(await clients.advanceGeneration('service', 1)).toBe(false);
  });
});

describe('defaultPlatform', () => {
  it.each([
    [{ platforms: ['tv', 'web'] }, 'tv'],
    [{ application_type: 'native' as const }, 'ios'],
    [{}, 'web'],
  ])('of %j is %s', (metadata, expected) => {
    expect(defaultPlatform(metadata)).toBe(expected);
  });
});
