// Where the engine's own behaviour is replaced. Everything in here is per Provider and rests on the exact
// version that package.json pins; test/oidc/engine-overrides.test.ts tells when an update breaks one.
import type { Client, Provider } from 'oidc-provider';
import type { ClientRecord } from '../clients/client.ts';
import type { ClientRegistry } from '../clients/client-registry.ts';
import type { Clock } from '../core/clock.ts';
import { withOverload } from '../grants/refusals.ts';
import type { Store } from '../storage/store.ts';
import { insert } from '../storage/store.ts';
import { ASSERTION_LIFE_MAX_MS } from './after-restore.ts';
import { engineId, usedProofs } from './engine-records.ts';
import { nameRefusals } from './engine-refusals.ts';

const ID_LENGTH_MAX = 128;

export interface OverrideDeps {
  store: Store;
  clock: Clock;
  clients: ClientRegistry;
}

export function overrideEngine(provider: Provider, deps: OverrideDeps): void {
  pinAddresses(provider);
  keepOwnMembers(provider);
  keepClients(provider, deps.clients);
  compareSecretsByMac(provider, deps.clients);
  useProofsOnce(provider, deps);
  sparePersistingNewSessions(provider);
  nameRefusals(provider);
}

/** Links come from the issuer, never from a Host header (I11). */
function pinAddresses(provider: Provider): void {
  // The class is a public getter without a type.
  const { OIDCContext } = provider as unknown as { OIDCContext: { prototype: object } };
  Object.assign(OIDCContext.prototype, {
    urlFor: (name: string, options?: Record<string, unknown>) => provider.urlFor(name, options),
  });
  const { host, protocol } = new URL(provider.issuer);
  Object.defineProperty(provider.request, 'host', { get: () => host });
  Object.defineProperty(provider.request, 'protocol', { get: () => protocol.slice(0, -1) });
}

/** Members that the engine carries along in its own models. */
function keepOwnMembers(provider: Provider): void {
  extendPayload(provider.Session, ['deviceSessionId']);
  extendPayload(provider.ClientCredentials, ['grantId', 'sid']);
  // ID tokens, codes and access tokens name the device session.
  provider.Client.prototype.includeSid = () => true;
}

function extendPayload(model: object, members: string[]): void {
  // IN_PAYLOAD is a static getter of every model, not in the types.
  const { IN_PAYLOAD } = model as { IN_PAYLOAD: string[] };
  const all = [...IN_PAYLOAD, ...members];
  Object.defineProperty(model, 'IN_PAYLOAD', { get: () => all });
}

/**
 * The engine spells out and hashes the metadata of a client each time it looks for it, and remembers a hundred
 * clients. Its model of a client is kept here for as long as the registry keeps the record it was made of.
 */
function keepClients(provider: Provider, clients: ClientRegistry): void {
  const models = new WeakMap<ClientRecord, Client>();
  const findAnew = provider.Client.find.bind(provider.Client);
  provider.Client.find = withOverload(async (id: string) => {
    // Anything may be asked for; what no client can be called costs no read.
    const record = typeof id === 'string' && id.length <= ID_LENGTH_MAX ? await clients.find(id) : undefined;
    if (!record) return undefined;

    const model = models.get(record) ?? (await findAnew(id));
    if (model) models.set(record, model);
    return model;
  });
}

function compareSecretsByMac(provider: Provider, clients: ClientRegistry): void {
  provider.Client.prototype.compareClientSecret = function compareClientSecret(secret: string) {
    return typeof this.clientSecret === 'string' && clients.secretMatches(this.clientSecret, secret);
  };
}

/** How far ahead of now the engine lets a proof be dated. */
const PROOF_AHEAD_MAX_MS = 300_000;

/**
 * A DPoP proof or a client assertion is used once: the first insert wins (I2). It is remembered until it expires,
 * so one that never does is refused (I12). The engine counts a proof's time from now, and takes one whose own
 * time is still to come.
 */
function useProofsOnce(provider: Provider, deps: OverrideDeps): void {
  Object.assign(provider.ReplayDetection, {
    unique: async (issuer: string, jti: string, expiresAtSeconds: number): Promise<boolean> => {
      const expiresAt = expiresAtSeconds * 1000;
      if (expiresAt - deps.clock.now() > ASSERTION_LIFE_MAX_MS) return false;

      const id = engineId(`proof of ${issuer}`, jti);
      const rememberedUntil = expiresAt + PROOF_AHEAD_MAX_MS;
      const outcome = await deps.store.commit([insert(usedProofs, id, { expiresAt: rememberedUntil })]);
      return outcome.committed;
    },
  });
}

/** The engine's error pages touch sessions that were never saved and would fail to save them. */
function sparePersistingNewSessions(provider: Provider): void {
  const { prototype } = provider.Session;
  const { persist } = prototype;
  prototype.persist = async function persistSaved() {
    return typeof this.exp === 'number' ? persist.call(this) : '';
  };
}
