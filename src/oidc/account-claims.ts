// Accounts as the engine sees them: an id, and claims by scope (OpenID Connect Core §5.4).
import type { Account as EngineAccount, KoaContextWithOIDC } from 'oidc-provider';
import type { Account } from '../accounts/account.ts';
import { accounts } from '../accounts/account.ts';
import { readOnce, requestState } from '../grants/request-state.ts';
import type { Store } from '../storage/store.ts';

/** Claims by scope. What an account does not have is left out. */
export const claimsByScope = {
  openid: ['sub', 'sid', 'auth_time', 'acr', 'amr'],
  profile: [
    'name',
    'preferred_username',
    'given_name',
    'family_name',
    'nickname',
    'picture',
    'locale',
    'zoneinfo',
  ],
  email: ['email', 'email_verified'],
};

/** The engine's `findAccount`. A locked account is none. */
export function accountFinder(store: Store) {
  return async function findAccount(ctx: KoaContextWithOIDC, id: string): Promise<EngineAccount | undefined> {
    const account = await readOnce(ctx, id, () => store.get(accounts, id));
    if (account?.state !== 'active') return undefined;

    requestState(ctx).account = account;
    return { accountId: account.id, claims: async () => claimsOf(account) };
  };
}

function claimsOf(account: Account): { sub: string } & Record<string, unknown> {
  return {
    ...account.profile,
    sub: account.id,
    name: account.name,
    ...(account.username !== undefined && { preferred_username: account.username }),
    ...(account.email !== undefined && { email: account.email, email_verified: account.emailVerified }),
  };
}
