// The protocol engine as its own documentation sets it up, with the features and algorithms that Strata has
// on, around the plain adapter. What it lacks of a product is left out where that makes it faster: its clients
// stand in its settings, it logs nothing, adds no claims and no headers, and its sign-in page is one line.
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Context, Next } from 'koa';
import { type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { findAccount, findAccountByLogin } from '../src/accounts/account.ts';
import { createPasswordHasher } from '../src/accounts/hash-queue.ts';
import { configSchema } from '../src/config/schema.ts';
import { makeSigningKey } from '../src/keys/signing-key.ts';
import { claimsByScope } from '../src/oidc/account-claims.ts';
import type { Store } from '../src/storage/store.ts';
import { bareAdapter } from './bare-adapter.ts';
import { api, apiScope, apis, clients } from './fixture.ts';

export function createBareEngine(issuer: string, store: Store) {
  const provider = new Provider(issuer, {
    adapter: bareAdapter(store),
    allowOmittingSingleRegisteredRedirectUri: false,
    claims: claimsByScope,
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: clients.map(({ client_id, client_secret, grant_types, ...rest }) => ({
      client_id,
      client_secret,
      grant_types,
      ...('redirect_uris' in rest
        ? { redirect_uris: rest.redirect_uris }
        : { redirect_uris: [], response_types: [] }),
    })),
    cookies: { keys: ['some keys of cookies'] },
    expiresWithSession: () => false,
    features: features(),
    findAccount: async (_ctx, id) => {
      const account = await findAccount(store, id);
      return account && { accountId: id, claims: async () => claimsOf(account) };
    },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    jwks: { keys: [JSON.parse(makeSigningKey().toString())] },
    loadExistingGrant,
    pkce: { required: () => true },
    responseTypes: ['code', 'none'],
    rotateRefreshToken: true,
    routes: {
      authorization: '/authorize',
      token: '/token',
      userinfo: '/userinfo',
      introspection: '/introspect',
    },
    scopes: ['openid', 'offline_access'],
    ttl: {
      AccessToken: 900,
      ClientCredentials: 900,
      IdToken: 3600,
      Session: 86_400,
      Interaction: 3600,
      Grant: 86_400,
      RefreshToken: 86_400,
    },
  });
  provider.use(signInPages(provider, store));
  return createServer(provider.callback());
}

function features() {
  const info = new Map(
    apis.map(({ identifier, tokenFormat }) => [
      identifier as string,
      { audience: identifier, scope: apiScope, accessTokenFormat: tokenFormat },
    ]),
  );
  return {
    clientCredentials: { enabled: true },
    dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 1), requireNonce: () => false },
    devInteractions: { enabled: false },
    deviceFlow: { enabled: true },
    introspection: {
      enabled: true,
      allowedPolicy: (_ctx: KoaContextWithOIDC, client: { clientId: string }) =>
        client.clientId === api.client_id,
    },
    pushedAuthorizationRequests: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo(_ctx: KoaContextWithOIDC, identifier: string) {
        const found = info.get(identifier);
        if (!found) throw new Error(`no API ${identifier}`);
        return found;
      },
      useGrantedResource: () => false,
    },
    revocation: { enabled: true },
  };
}

function claimsOf({
  id,
  name,
  email,
  emailVerified,
}: {
  id: string;
  name: string;
  email?: string;
  emailVerified: boolean;
}) {
  return { sub: id, name, ...(email !== undefined && { email, email_verified: emailVerified }) };
}

/** Grants everything that is asked for, as the engine's documentation does for clients of one's own. */
async function loadExistingGrant(ctx: KoaContextWithOIDC) {
  const { provider, session, client } = ctx.oidc;
  const known = session?.grantIdFor(client?.clientId ?? '');
  if (known) return provider.Grant.find(known);

  const grant = new provider.Grant({ clientId: client?.clientId ?? '', accountId: session?.accountId ?? '' });
  grant.addOIDCScope('openid profile email offline_access');
  for (const { identifier } of apis) grant.addResourceScope(identifier, apiScope);
  await grant.save();
  return grant;
}

function signInPages(provider: Provider, store: Store) {
  const { memoryKiB, passes, queueMax } = configSchema.parse({}).passwords;
  const passwords = createPasswordHasher({ memoryKiB, passes, queueMax });

  return async function signInPage(ctx: Context, next: Next): Promise<void> {
    if (!ctx.path.startsWith('/interaction/')) return next();

    const { uid } = await provider.interactionDetails(ctx.req, ctx.res);
    if (ctx.method === 'GET') {
      ctx.body = `<form method="post" action="/interaction/${uid}/sign-in"></form>`;
      return;
    }
    const form = new URLSearchParams(await text(ctx.req));
    const account = await findAccountByLogin(store, form.get('identifier') ?? '');
    const matches = await passwords.verify(form.get('password') ?? '', account?.password?.hash);
    if (!account || !matches) return ctx.throw(401);

    await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: account.id, amr: ['pwd'] } });
  };
}
