// The grants of the token endpoint: name, parameters, handler. Each replaces the engine's own of that name.
import type { Provider } from 'oidc-provider';
import { DEVICE_CODE_GRANT, MAP_TOKEN_GRANT } from '../clients/client.ts';
import type { EndingDeps } from '../sessions/ending.ts';
import { authorizationCodeGrant, authorizationCodeParameters } from './authorization-code.ts';
import type { ClientCredentialsDeps } from './client-credentials.ts';
import { clientCredentialsGrant, clientCredentialsParameters } from './client-credentials.ts';
import type { DeviceCodeDeps } from './device-code.ts';
import { deviceCodeGrant, deviceCodeParameters } from './device-code.ts';
import type { MapTokenDeps } from './map-token.ts';
import { mapTokenGrant, mapTokenParameters } from './map-token.ts';
import type { RefreshDeps } from './refresh-token.ts';
import { refreshTokenGrant, refreshTokenParameters } from './refresh-token.ts';
import { withOverload } from './refusals.ts';

export type GrantDeps = EndingDeps & RefreshDeps & DeviceCodeDeps & MapTokenDeps & ClientCredentialsDeps;

export function registerGrants(provider: Provider, deps: GrantDeps): void {
  const grants = [
    ['authorization_code', authorizationCodeParameters, authorizationCodeGrant(provider, deps)],
    ['refresh_token', refreshTokenParameters, refreshTokenGrant(provider, deps)],
    ['client_credentials', clientCredentialsParameters, clientCredentialsGrant(provider, deps)],
    [DEVICE_CODE_GRANT, deviceCodeParameters, deviceCodeGrant(provider, deps)],
    [MAP_TOKEN_GRANT, mapTokenParameters, mapTokenGrant(provider, deps)],
  ] as const;

  for (const [name, parameters, handler] of grants) {
    provider.registerGrantType(name, withOverload(handler), [...parameters, 'resource'], ['resource']);
  }
}
