// What the engine thinks of a client's metadata, asked before the client is registered: otherwise the first of
// its users would be the one to learn that it cannot work.
import assert from 'node:assert/strict';
import { type Configuration, errors, Provider } from 'oidc-provider';
import { type ClientMetadata, DEVICE_CODE_GRANT, MAP_TOKEN_GRANT } from '../clients/client.ts';
import { hasSecret } from '../clients/client-registry.ts';
import { makeSigningKey } from '../keys/signing-key.ts';
import { engineClient } from './adapters/clients.ts';
import { clientSettings } from './settings.ts';

/** Answers what is wrong, as a sentence without its end; undefined where nothing is. */
export type ClientRules = (metadata: ClientMetadata) => string | undefined;

export function clientRules(issuer: string): ClientRules {
  const provider = new Provider(issuer, { ...clientSettings(), ...unused, features });
  for (const grant of [DEVICE_CODE_GRANT, MAP_TOKEN_GRANT]) provider.registerGrantType(grant, neverRun);

  // Of the engine's models the types know what is found, not how it is made.
  const engine = provider as unknown as { Client: new (metadata: object) => unknown };

  return (metadata) => {
    try {
      new engine.Client(engineClient(asRegistered(metadata)));
      return undefined;
    } catch (error) {
      if (error instanceof errors.InvalidClientMetadata) return error.error_description ?? error.message;
      throw error;
    }
  };
}

/** As it would be stored. */
function asRegistered({ client_id, client_secret: _secret, ...metadata }: ClientMetadata) {
  return {
    id: client_id ?? 'unnamed',
    metadata,
    createdAt: 0,
    sessionGeneration: 1,
    ...(hasSecret(metadata) && { secretMac: 'never compared' }),
  };
}

/** Those that client metadata has members for, or grant types. */
const features: Configuration['features'] = {
  clientCredentials: { enabled: true },
  devInteractions: { enabled: false },
  dPoP: { enabled: true },
  introspection: { enabled: true },
  pushedAuthorizationRequests: { enabled: true },
  rpInitiatedLogout: { enabled: true },
};

/** What the engine would warn of if it were left out; this one signs nothing, keeps nothing, answers nobody. */
const unused: Configuration = {
  adapter: () => assert.fail('this engine keeps nothing'),
  cookies: { keys: ['never used'] },
  jwks: { keys: [JSON.parse(makeSigningKey().toString())] },
};

async function neverRun(): Promise<void> {
  assert.fail('this engine answers nobody');
}
