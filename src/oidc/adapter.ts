// The engine's adapter: a thin layer over the store. Grants and refresh tokens are not stored at all; they
// are views of the device session, so that one write to it ends them (I1). What is redeemed once is consumed
// conditionally: whoever loses hears `invalid_grant` and changes nothing (I2).
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { withOverload } from '../grants/refusals.ts';
import { accessTokenAdapter } from './adapters/access-tokens.ts';
import type { AdapterDeps } from './adapters/adapter-deps.ts';
import { authorizationCodeAdapter } from './adapters/authorization-codes.ts';
import { browserSessionAdapter } from './adapters/browser-sessions.ts';
import { clientAdapter } from './adapters/clients.ts';
import { deviceCodeAdapter } from './adapters/device-codes.ts';
import { grantAdapter } from './adapters/grants.ts';
import { interactionAdapter } from './adapters/interactions.ts';
import { pushedRequestAdapter } from './adapters/pushed-requests.ts';
import { refreshTokenAdapter } from './adapters/refresh-tokens.ts';

const adapters: Readonly<Record<string, (deps: AdapterDeps) => Partial<Adapter>>> = {
  AccessToken: (deps) => accessTokenAdapter(deps, 'AccessToken'),
  AuthorizationCode: authorizationCodeAdapter,
  Client: clientAdapter,
  ClientCredentials: (deps) => accessTokenAdapter(deps, 'ClientCredentials'),
  DeviceCode: deviceCodeAdapter,
  Grant: grantAdapter,
  Interaction: interactionAdapter,
  PushedAuthorizationRequest: pushedRequestAdapter,
  RefreshToken: refreshTokenAdapter,
  Session: browserSessionAdapter,
};

export function adapterFactory(deps: AdapterDeps): (model: string) => Adapter {
  return (model) => {
    const adapter = { ...unsupported(model), ...adapters[model]?.(deps) };
    return {
      upsert: withOverload(adapter.upsert),
      find: withOverload(adapter.find),
      findByUid: withOverload(adapter.findByUid),
      findByUserCode: withOverload(adapter.findByUserCode),
      consume: withOverload(adapter.consume),
      destroy: withOverload(adapter.destroy),
      revokeByGrantId: withOverload(adapter.revokeByGrantId),
    };
  };
}

/** Models that are switched off in the settings must never be asked for. */
function unsupported(model: string): Adapter {
  function refuse(): never {
    throw new errors.InvalidRequest(`${model} is not supported`);
  }
  return {
    upsert: async (_id: string, _payload: AdapterPayload) => refuse(),
    find: async () => undefined,
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    consume: async () => refuse(),
    destroy: async () => undefined,
    // Ending a device session or an app refuses all of its tokens; there is nothing to cascade to.
    revokeByGrantId: async () => undefined,
  };
}
