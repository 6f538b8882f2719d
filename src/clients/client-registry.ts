// The clients: registration and secrets. Whoever changes a client says so to all processes on the store, which
// have what they know of it in a cache.
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { DomainError } from '../core/errors.ts';
import { equalSecrets, mac, randomToken } from '../core/secrets.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { Page, Store, Write } from '../storage/store.ts';
import { insert, patch } from '../storage/store.ts';
import type { ClientMetadata, ClientRecord } from './client.ts';
import { clientMetadata, clientRecords } from './client.ts';
import { type ClientCache, createClientCache } from './client-cache.ts';

/** Where wake-ups go after the commit that has changed a client; its id is their key. */
export const CLIENTS_TOPIC = 'clients';

export interface ClientDeps {
  store: Store;
  clock: Clock;
  keyring: Keyring;
}

export interface RegisteredClient {
  client: ClientRecord;
  secret?: string;
}

export interface ClientRegistry extends ClientCache {
  list(after?: string): Promise<Page<ClientRecord>>;
  /** Registers a client; answers its secret once, where it has one. Throws `invalid_request` or `conflict`. */
  create(metadata: ClientMetadata): Promise<RegisteredClient>;
  /** Registers up to 500 clients in one commit, all or none; otherwise as `create`. */
  createAll(metadata: readonly ClientMetadata[]): Promise<readonly RegisteredClient[]>;
  /** Registers a client of our own, or brings the one that is there up to date. */
  ensure(metadata: ClientMetadata, marks?: Pick<ClientRecord, 'demo'>): Promise<void>;
  /** Moves the client on to its next implicit session. */
  advanceGeneration(clientId: string, from: number): Promise<boolean>;
  /** Whether `secret` is the one whose MAC is `secretMac`. */
  secretMatches(secretMac: string, secret: string): boolean;
}

export function clientRegistry(deps: ClientDeps): ClientRegistry {
  const cache = createClientCache(deps);

  function announce(clientId: string): void {
    cache.forget(clientId);
    deps.store.notify(CLIENTS_TOPIC, clientId);
  }

  async function create(input: ClientMetadata): Promise<RegisteredClient> {
    const made = newClient(deps, input);
    await insertAll([made]);
    return made;
  }

  async function createAll(inputs: readonly ClientMetadata[]): Promise<readonly RegisteredClient[]> {
    const made = inputs.map((input) => newClient(deps, input));
    await insertAll(made);
    return made;
  }

  async function insertAll(made: readonly RegisteredClient[]): Promise<void> {
    const ids = made.map(({ client }) => client.id);
    const twice = ids.find((id, index) => ids.indexOf(id) < index);
    if (twice !== undefined) throw new DomainError('conflict', { detail: `client ${twice} is there twice` });

    const outcome = await deps.store.commit(
      made.map(({ client }) => insert(clientRecords, client.id, client)),
    );
    if (!outcome.committed) {
      throw new DomainError('conflict', { detail: `client ${ids[outcome.failed.index]} exists already` });
    }
    for (const id of ids) announce(id);
  }

  async function ensure(input: ClientMetadata, marks: Pick<ClientRecord, 'demo'> = {}): Promise<void> {
    const client = { ...newClient(deps, input).client, ...marks };
    const outcome = await deps.store.commit([insert(clientRecords, client.id, client)]);
    if (!outcome.committed) await deps.store.commit([updateWrite(client)]);
    announce(client.id);
  }

  async function list(after?: string): Promise<Page<ClientRecord>> {
    const page = await deps.store.scan(clientRecords, { limit: 100, ...(after !== undefined && { after }) });
    return { ...page, records: page.records.map(({ body }) => body) };
  }

  async function advanceGeneration(clientId: string, from: number): Promise<boolean> {
    const outcome = await deps.store.commit([
      patch(clientRecords, clientId, {
        when: [{ path: ['sessionGeneration'], is: from }],
        set: [[['sessionGeneration'], from + 1]],
      }),
    ]);
    // Also where another was first: what is known here is old.
    announce(clientId);
    return outcome.committed;
  }

  return {
    ...cache,
    create,
    createAll,
    ensure,
    advanceGeneration,
    list,
    secretMatches: (stored, secret) => secretMatches(deps.keyring, stored, secret),
  };
}

/** Its session generation, and whether it is disabled, stay as they are. */
function updateWrite({ id, metadata, secretMac, demo }: ClientRecord): Write {
  return patch(clientRecords, id, {
    set: [
      [['metadata'], metadata],
      [['secretMac'], secretMac],
      [['demo'], demo],
    ],
  });
}

function newClient(deps: ClientDeps, input: ClientMetadata): RegisteredClient {
  const { client_id, client_secret, ...metadata } = parseClientMetadata(input);
  const secret = hasSecret(metadata) ? (client_secret ?? randomToken(32)) : undefined;
  const client: ClientRecord = {
    id: client_id ?? randomToken(16),
    metadata,
    createdAt: deps.clock.now(),
    sessionGeneration: 1,
    ...(secret !== undefined && { secretMac: secretMac(deps.keyring, secret) }),
  };
  return { client, ...(secret !== undefined && { secret }) };
}

/** Throws `invalid_request` with every complaint and its path. */
export function parseClientMetadata(input: unknown): ClientMetadata {
  const result = clientMetadata.safeParse(input);
  if (!result.success) throw new DomainError('invalid_request', { detail: z.prettifyError(result.error) });
  return result.data;
}

/** Whether a client authenticates with a secret: what RFC 7591 §2 has as the default. */
export function hasSecret(metadata: Pick<ClientMetadata, 'token_endpoint_auth_method'>): boolean {
  const method = metadata.token_endpoint_auth_method ?? 'client_secret_basic';
  return method === 'client_secret_basic' || method === 'client_secret_post';
}

function secretMac(keyring: Keyring, secret: string): string {
  const key = keyring.current('client');
  return `${key.kid}.${mac(key.bytes, 'client secret', secret)}`;
}

function secretMatches(keyring: Keyring, stored: string, secret: string): boolean {
  const [kid = '', expected = ''] = stored.split('.');
  const key = keyring.find('client', kid);
  return key !== undefined && equalSecrets(mac(key.bytes, 'client secret', secret), expected);
}
