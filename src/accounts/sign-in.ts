// Signing in with a password. Whoever fails learns one thing: that it failed. An unknown name, a locked
// account, an account without a password and a wrong password are refused by the same answer after the same
// two reads and one hash (I10). Guessing is bounded per login and per network; both are counted before the
// hash, so that parallel guesses do not slip by, and given back when the password was right.
import type { Clock } from '../core/clock.ts';
import { DomainError } from '../core/errors.ts';
import { networkPrefix } from '../protection/address.ts';
import { type Budget, createLimiter, giveBackAll, type Limiter, takeAll } from '../protection/limiter.ts';
import type { Store } from '../storage/store.ts';
import { type Account, findAccountByLogin } from './account.ts';
import { rehashWrite } from './account-changes.ts';
import { type FreshAuthentication, passwordAuthentication } from './authentication-levels.ts';
import type { PasswordHasher } from './hash-queue.ts';
import { loginKey } from './login.ts';

export interface SignInDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly passwords: PasswordHasher;
  readonly limits: SignInLimits;
}

export interface SignInLimits {
  /** By login, from devices that have not signed in to it before. */
  readonly login: Limiter;
  /** By login, from devices that have: so that a stranger's guesses do not shut the owner out. */
  readonly knownDevice: Limiter;
  /** By network. */
  readonly network: Limiter;
}

export interface SignInAttempt {
  /** As typed. */
  readonly identifier: string;
  readonly password: string;
  /** The client's address. */
  readonly address: string;
  /** The browser proved, by a cookie of ours, that this login signed in with it before. */
  readonly deviceKnown?: boolean;
}

export type SignInOutcome =
  /** `auth` is of the moment before the account was read: a lock that came since outdates it. */
  | { readonly kind: 'signed_in'; readonly account: Account; readonly auth: FreshAuthentication }
  | { readonly kind: 'refused' }
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number };

/** Many people may share a network: it has this many times the failures of one login. */
const NETWORK_FACTOR = 10;

export function createSignInLimits(
  settings: { readonly failuresMax: number; readonly failureWindow: number },
  clock: Clock,
): SignInLimits {
  const rule = { limit: settings.failuresMax, windowMs: settings.failureWindow };
  return {
    login: createLimiter({ rule, clock }),
    knownDevice: createLimiter({ rule, clock }),
    network: createLimiter({ rule: { ...rule, limit: rule.limit * NETWORK_FACTOR }, clock }),
  };
}

export async function signIn(deps: SignInDeps, attempt: SignInAttempt): Promise<SignInOutcome> {
  const budgets = budgetsOf(deps.limits, attempt);
  const limit = takeAll(budgets);
  if (limit.kind === 'limited') return limit;

  const auth = passwordAuthentication(deps.clock.now());
  const account = await authenticate(deps, attempt).catch((error: unknown) => {
    giveBackAll(budgets);
    throw error;
  });
  if (account?.state !== 'active') return { kind: 'refused' };

  giveBackAll(budgets);
  await rehash(deps, account, attempt.password);
  return { kind: 'signed_in', account, auth };
}

/** The account whose password this is, whatever its state. */
async function authenticate(deps: SignInDeps, attempt: SignInAttempt): Promise<Account | undefined> {
  const account = await findAccountByLogin(deps.store, attempt.identifier);
  const matches = await deps.passwords.verify(attempt.password, account?.password?.hash);
  return matches ? account : undefined;
}

/** By login and not by account: limits must not tell that two logins are one account, or that one is none. */
function budgetsOf(limits: SignInLimits, attempt: SignInAttempt): Budget[] {
  const login = loginKey(attempt.identifier) ?? 'none';
  const byLogin = attempt.deviceKnown ? limits.knownDevice : limits.login;
  return [
    { limiter: byLogin, key: login },
    { limiter: limits.network, key: networkPrefix(attempt.address) },
  ];
}

/** Brings an old hash up to the cost in force. The sign-in stands even if there is no room for that now. */
async function rehash(deps: SignInDeps, account: Account, password: string): Promise<void> {
  const old = account.password?.hash;
  if (old === undefined || !deps.passwords.needsRehash(old)) return;

  try {
    const renewed = await deps.passwords.hash(password);
    await deps.store.commit([rehashWrite(account, old, renewed)]);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
  }
}
