// What the development profile starts with, so that a newcomer has somebody to sign in as and an app to sign
// in to. Made at the first start, and never in production.
import { createAccount, isLoginTaken } from './accounts/account.ts';
import type { PasswordHasher } from './accounts/hash-queue.ts';
import { type ClientMetadata, DEVICE_CODE_GRANT, MAP_TOKEN_GRANT } from './clients/client.ts';
import type { ClientRegistry } from './clients/client-registry.ts';
import type { Clock } from './core/clock.ts';
import { DomainError } from './core/errors.ts';
import type { Store } from './storage/store.ts';

/** Development only: this profile listens on loopback and refuses to be anything else. */
export const DEMO_PASSWORD = 'strata-demo';

export const demoAccounts = [
  { name: 'Ada', email: 'ada@example.com', groups: ['staff'], roles: ['admin'] },
  { name: 'Lin', email: 'lin@example.com', groups: [], roles: ['member'] },
] as const;

/** The secret of the demo service and the demo shop; as public as the demo password. */
export const DEMO_SECRET = 'strata-demo-client-secret';

export function demoClients(issuer: string): ClientMetadata[] {
  const scope = 'openid profile email offline_access hello qr:approve sessions:read sessions:end';
  return [
    {
      client_id: 'playground-pc',
      client_name: 'Playground PC',
      application_type: 'web',
      token_endpoint_auth_method: 'none',
      platforms: ['web'],
      redirect_uris: [`${issuer}/playground/pc`],
      post_logout_redirect_uris: [`${issuer}/playground/pc`],
      grant_types: ['authorization_code', 'refresh_token', MAP_TOKEN_GRANT],
      first_party: true,
      scope,
    },
    {
      client_id: 'playground-phone',
      client_name: 'Playground phone',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      platforms: ['ios', 'android'],
      redirect_uris: [`${issuer}/playground/phone`],
      post_logout_redirect_uris: [`${issuer}/playground/phone`],
      grant_types: ['authorization_code', 'refresh_token'],
      first_party: true,
      qr_approve: true,
      scope,
    },
    {
      client_id: 'demo-shop',
      client_name: 'Demo shop',
      client_secret: DEMO_SECRET,
      redirect_uris: ['http://127.0.0.1:4000/callback'],
      post_logout_redirect_uris: ['http://127.0.0.1:4000/'],
      grant_types: ['authorization_code', 'refresh_token'],
      scope: 'openid profile email offline_access hello',
    },
    {
      client_id: 'demo-service',
      client_name: 'Demo service',
      client_secret: DEMO_SECRET,
      platforms: ['api'],
      grant_types: ['client_credentials'],
      scope: 'hello',
      audiences: [`${issuer}/playground/api`],
    },
    {
      client_id: 'demo-tv',
      client_name: 'Demo TV',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      platforms: ['tv'],
      grant_types: [DEVICE_CODE_GRANT, 'refresh_token'],
      first_party: true,
      scope: 'openid profile offline_access',
    },
  ];
}

interface DemoDeps {
  store: Store;
  clock: Clock;
  clients: ClientRegistry;
  passwords: PasswordHasher;
  issuer: string;
}

export async function seedDemo(deps: DemoDeps): Promise<void> {
  const clients = demoClients(deps.issuer).map((metadata) => deps.clients.ensure(metadata, { demo: true }));
  await Promise.all([...clients, seedAccounts(deps)]);
}

/**
 * Production must not run on a database that has been a playground: everybody knows the passwords and secrets
 * in it. The accounts come with the clients, which are marked. Throws `conflict` with a sentence for the operator.
 */
export async function refuseDemoData(clients: Pick<ClientRegistry, 'list'>): Promise<void> {
  let after: string | undefined;
  do {
    const page = await clients.list(after);
    const marked = page.records.find(({ demo }) => demo);
    if (marked) throw new DomainError('conflict', { detail: demoDetail(marked.id) });
    after = page.next;
  } while (after !== undefined);
}

function demoDetail(clientId: string): string {
  return `the database has demo data in it (client ${clientId}), whose passwords and secrets everybody knows; start production with a database of its own: another dataDir or store.url`;
}

/** Hashing passwords is what takes time at the first start, so later ones only look for the first account. */
async function seedAccounts(deps: DemoDeps): Promise<void> {
  const [first] = demoAccounts;
  if (await isLoginTaken(deps.store, `email:${first.email}`)) return;

  await Promise.all(
    demoAccounts.map(async ({ name, email, groups, roles }) => {
      const passwordHash = await deps.passwords.hash(DEMO_PASSWORD);
      await createAccount(deps, { name, email, emailVerified: true, groups, roles, passwordHash });
    }),
  );
}
