// The APIs that access tokens are issued for, and where an account's claims for them come from.
import { z } from 'zod';
import { duration, outboundUrl, resourceIdentifier, scopeName, words } from './fields.ts';

/**
 * Claims of RFC 7519, RFC 9068, OpenID Connect and our own that say whose a token is and what it is good for;
 * an account's data must never replace them.
 */
export const ownClaims: ReadonlySet<string> = new Set(
  `iss sub aud exp nbf iat jti sid app azp client_id scope scopes acr amr auth_time nonce cnf act may_act at_hash
   c_hash s_hash sub_jwk active token_type username token_use platform device events authorization_details
   typ kid`.split(/\s+/),
);

/** Scopes that belong to OpenID Connect or to the server itself, so that an API cannot give them away. */
const ownScopes = new Set(
  `openid offline_access profile email address phone qr:approve qr:transfer sessions:read
   sessions:end`.split(/\s+/),
);

const claimName = z
  .string()
  .min(1)
  .max(128)
  .refine((name) => !ownClaims.has(name), 'is a claim of the token itself and cannot be mapped');

const apiScope = scopeName.refine((name) => !ownScopes.has(name), 'is a scope of the server itself');

const accountPath = z
  .string()
  .regex(
    /^(roles|groups|(attributes|profile)\.[A-Za-z_][A-Za-z0-9_-]{0,63})$/,
    'must be roles, groups, attributes.<name> or profile.<name>',
  );

const apiSchema = z.strictObject({
  /** What clients send as `resource`, and the audience of the tokens. An absolute URI. */
  identifier: resourceIdentifier,
  /** What people read on the consent page. */
  name: words(100),
  /** Scope → what it lets an app do, in words for the consent page. */
  scopes: z.record(apiScope, words(200)),
  /** `jwt`: the API checks it alone (RFC 9068); `opaque`: it asks at introspection. */
  tokenFormat: z.enum(['jwt', 'opaque']).default('jwt'),
  /** Lifetime of its access tokens in ms; absent = as the platform says. The shorter of both counts. */
  accessToken: duration({ min: '30s', max: '24h' }).exactOptional(),
  /** Claim → where in the account its value stands: roles, groups, attributes.<name>, profile.<name>. */
  claims: z.record(claimName, accountPath).default({}),
});

export type ApiSettings = z.infer<typeof apiSchema>;

export const apisSection = z.array(apiSchema).max(500);

export const claimsHookSection = z.strictObject({
  /** Asked by POST for the claims of an account before tokens are issued. */
  url: outboundUrl,
  /** Time for the whole answer, in ms. */
  timeout: duration({ min: '100ms', max: '30s' }).prefault('2s'),
  /** Name of the environment variable whose value signs each request (HMAC). */
  secretEnv: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]{0,63}$/, 'must be the name of an environment variable')
    .exactOptional(),
  /** What a failure means: no token for now, or a token without the hook's claims. */
  onFailure: z.enum(['refuse', 'ignore']).default('refuse'),
});
