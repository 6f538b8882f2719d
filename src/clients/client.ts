// A client: the metadata of RFC 7591 and the few members of our own. Secrets are kept as MACs only, so a
// client with a secret can be checked but never impersonated from a copy of the database (I7).
import { z } from 'zod';
import { recordType } from '../storage/record-type.ts';

/** Grant type of QR sign-in where a phone lets a screen in. */
export const MAP_TOKEN_GRANT = 'urn:strata:params:oauth:grant-type:map_token';
export const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

const grantTypes = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  DEVICE_CODE_GRANT,
  MAP_TOKEN_GRANT,
] as const;

const uri = z.string().max(2048).refine(URL.canParse, 'must be an absolute URI');

/** Members of RFC 7591 and OpenID Connect that are accepted, and our own; others are complaints. */
export const clientMetadata = z.strictObject({
  client_id: z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 visible ASCII characters')
    .optional(),
  client_secret: z
    .string()
    .min(16, 'must have at least 16 characters')
    .max(256)
    // RFC 6749 appendix A.2; a secret of other characters could never be shown.
    .regex(/^[\x20-\x7e]*$/, 'must be visible ASCII characters')
    .optional(),
  client_name: z.string().min(1).max(120).optional(),
  client_uri: uri.optional(),
  logo_uri: uri.optional(),
  policy_uri: uri.optional(),
  tos_uri: uri.optional(),
  contacts: z.array(z.string().max(256)).max(10).optional(),
  application_type: z.enum(['web', 'native']).optional(),
  redirect_uris: z.array(uri).max(50).optional(),
  post_logout_redirect_uris: z.array(uri).max(50).optional(),
  grant_types: z.array(z.enum(grantTypes)).max(grantTypes.length).optional(),
  response_types: z
    .array(z.enum(['code', 'none']))
    .max(2)
    .optional(),
  scope: z.string().max(4096).optional(),
  token_endpoint_auth_method: z
    .enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'])
    .optional(),
  token_endpoint_auth_signing_alg: z.string().max(16).optional(),
  id_token_signed_response_alg: z.enum(['ES256']).optional(),
  jwks: z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(20) }).optional(),
  jwks_uri: uri.optional(),
  subject_type: z.enum(['public']).optional(),
  default_max_age: z.int().nonnegative().optional(),
  require_auth_time: z.boolean().optional(),
  require_pushed_authorization_requests: z.boolean().optional(),
  dpop_bound_access_tokens: z.boolean().optional(),
  backchannel_logout_uri: uri.optional(),
  backchannel_logout_session_required: z.boolean().optional(),
  initiate_login_uri: uri.optional(),
  platforms: z.array(z.string().max(32)).min(1).max(20).optional(),
  first_party: z.boolean().optional(),
  require_pkce: z.boolean().optional(),
  browser_session: z.boolean().optional(),
  qr_approve: z.boolean().optional(),
  qr_confirm: z.enum(['number', 'tap', 'none']).optional(),
  trusted: z.boolean().optional(),
  allowed_origins: z.array(z.string().max(256)).max(20).optional(),
  audiences: z.array(uri).max(50).optional(),
});

export type ClientMetadata = z.infer<typeof clientMetadata>;

/** A client as it is stored. */
export interface ClientRecord {
  id: string;
  /** As registered, without the secret. */
  metadata: Omit<ClientMetadata, 'client_secret' | 'client_id'>;
  /** `key id.MAC` of the secret. */
  secretMac?: string;
  createdAt: number;
  /** Goes up when the implicit session of an API app is ended; its next session is another one. */
  sessionGeneration: number;
  disabled?: boolean;
  /** Seeded by the development profile: its secret is public. */
  demo?: true;
}

export const clientRecords = recordType<ClientRecord>('client');

/** The names of our own members, which the engine must be told to keep. */
export const ownClientMembers = [
  'platforms',
  'first_party',
  'require_pkce',
  'browser_session',
  'qr_approve',
  'qr_confirm',
  'trusted',
  'allowed_origins',
  'audiences',
] as const;

/** The platform that a session of this client gets where the request names none. */
export function defaultPlatform(metadata: Pick<ClientMetadata, 'platforms' | 'application_type'>): string {
  return metadata.platforms?.[0] ?? (metadata.application_type === 'native' ? 'ios' : 'web');
}

/**
 * Whether a phone may let this app in directly. Nobody is asked for consent on that way, so it is for apps of
 * the house; others send their people to the sign-in page, which asks.
 */
export function mayUseMapToken({ metadata }: Pick<ClientRecord, 'metadata'>): boolean {
  return metadata.first_party === true && metadata.grant_types?.includes(MAP_TOKEN_GRANT) === true;
}
