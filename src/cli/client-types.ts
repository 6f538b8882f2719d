// The kinds of client that `strata clients create` knows, each with what follows from it.
import { type ClientMetadata, DEVICE_CODE_GRANT } from '../clients/client.ts';

export const clientTypes = ['web', 'spa', 'native', 'device', 'service'] as const;

export type ClientType = (typeof clientTypes)[number];

type Preset = Pick<
  ClientMetadata,
  'application_type' | 'token_endpoint_auth_method' | 'platforms' | 'grant_types'
>;

export const clientPresets: Readonly<Record<ClientType, Preset>> = {
  web: { platforms: ['web'], grant_types: ['authorization_code', 'refresh_token'] },
  spa: {
    token_endpoint_auth_method: 'none',
    platforms: ['web'],
    grant_types: ['authorization_code', 'refresh_token'],
  },
  native: {
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    platforms: ['ios', 'android'],
    grant_types: ['authorization_code', 'refresh_token'],
  },
  device: {
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    platforms: ['tv'],
    grant_types: [DEVICE_CODE_GRANT, 'refresh_token'],
  },
  service: { platforms: ['api'], grant_types: ['client_credentials'] },
};

/** Whether its users are sent here and back again. */
export function isRedirected(type: ClientType): boolean {
  return clientPresets[type].grant_types?.includes('authorization_code') === true;
}
