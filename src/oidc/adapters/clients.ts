// Clients as the engine sees them: the registered metadata and, in place of the secret, its MAC, which
// `compareClientSecret` (engine-overrides.ts) knows how to compare.
import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { ClientRecord } from '../../clients/client.ts';
import type { AdapterDeps } from './adapter-deps.ts';

export function clientAdapter(deps: AdapterDeps): Partial<Adapter> {
  async function find(clientId: string): Promise<AdapterPayload | undefined> {
    const client = await deps.clients.find(clientId);
    return client && !client.disabled ? engineClient(client) : undefined;
  }

  return { find };
}

export function engineClient(client: ClientRecord): AdapterPayload {
  // Which scopes it may have is decided by grants/granted-scopes.ts; the engine knows only OpenID's.
  const { scope: _scope, ...metadata } = client.metadata;
  const payload = {
    client_id: client.id,
    ...engineDefaults(metadata),
    ...metadata,
    ...(client.secretMac !== undefined && { client_secret: client.secretMac }),
  };
  // The engine's type wants members that are undefined left out; it copes with those that are there.
  return payload as AdapterPayload;
}

/** RFC 7591 §2 has defaults for clients that redirect; one that does not must not need to say so. */
function engineDefaults(metadata: {
  redirect_uris?: string[] | undefined;
  grant_types?: string[] | undefined;
}) {
  const redirects = metadata.redirect_uris !== undefined && metadata.redirect_uris.length > 0;
  return redirects ? {} : { redirect_uris: [], response_types: [], grant_types: metadata.grant_types ?? [] };
}
