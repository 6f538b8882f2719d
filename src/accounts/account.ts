// Accounts and the names they sign in with. A login is a record of its own whose id is the canonical name:
// it is inserted in the commit that makes the account, so that "nobody else has this address" is a
// precondition of the store and no query that two sign-ups could both pass (I2).
import type { Clock } from '../core/clock.ts';
import { DomainError } from '../core/errors.ts';
import { type AccountId, newAccountId } from '../core/ids.ts';
import { recordType } from '../storage/record-type.ts';
import { insert, type Json, type ListOptions, type Page, type Store, type Write } from '../storage/store.ts';
import { type LoginKey, loginKey, normalizeEmail, normalizeUsername } from './login.ts';

export interface Account {
  id: AccountId;
  state: 'active' | 'locked';
  /** What pages call the person. */
  name: string;
  /** Canonical. */
  email?: string;
  emailVerified: boolean;
  /** Canonical. */
  username?: string;
  groups: string[];
  roles: string[];
  attributes: Record<string, Json>;
  /** Standard claims beyond name and e-mail: `given_name`, `picture`, `locale`, … */
  profile: Record<string, Json>;
  password?: StoredPassword;
  createdAt: number;
  lockedAt?: number;
  lockedReason?: string;
  /** Goes up with every change but a mere rehash of the password. */
  revision: number;
}

export interface StoredPassword {
  /** PHC string. */
  hash: string;
  changedAt: number;
}

export interface Login {
  accountId: AccountId;
}

export const accounts = recordType<Account>('account');
export const logins = recordType<Login>('login');

export interface AccountDeps {
  readonly store: Store;
  readonly clock: Clock;
}

/** As typed; `newAccount` brings it into canonical form. */
export interface NewAccount {
  readonly name: string;
  readonly email?: string;
  readonly emailVerified?: boolean;
  readonly username?: string;
  readonly groups?: readonly string[];
  readonly roles?: readonly string[];
  readonly attributes?: Readonly<Record<string, Json>>;
  readonly profile?: Readonly<Record<string, Json>>;
  /** PHC string. */
  readonly passwordHash?: string;
}

export type InvalidField = 'name' | 'email' | 'username' | 'login';

export type AccountDraft =
  | { readonly kind: 'valid'; readonly account: Account }
  /** `login`: neither an e-mail address nor a user name. */
  | { readonly kind: 'invalid'; readonly field: InvalidField };

export type CreateOutcome =
  | { readonly kind: 'created'; readonly account: Account }
  | { readonly kind: 'taken'; readonly login: LoginKey }
  | { readonly kind: 'invalid'; readonly field: InvalidField };

const NAME_LENGTH_MAX = 100;
/** Read in place of an account that is not there, so that finding none takes as many reads as finding one. */
const NO_ACCOUNT = 'acc_none';

/** The account that would be made; nothing is stored. */
export function newAccount(wanted: NewAccount, now: number): AccountDraft {
  const name = normalizeName(wanted.name);
  const email = wanted.email === undefined ? undefined : normalizeEmail(wanted.email);
  const username = wanted.username === undefined ? undefined : normalizeUsername(wanted.username);
  if (name === undefined) return { kind: 'invalid', field: 'name' };
  if (wanted.email !== undefined && email === undefined) return { kind: 'invalid', field: 'email' };
  if (wanted.username !== undefined && username === undefined) return { kind: 'invalid', field: 'username' };
  if (email === undefined && username === undefined) return { kind: 'invalid', field: 'login' };

  const account: Account = {
    id: newAccountId(),
    state: 'active',
    name,
    ...(email !== undefined && { email }),
    emailVerified: email !== undefined && wanted.emailVerified === true,
    ...(username !== undefined && { username }),
    groups: [...(wanted.groups ?? [])],
    roles: [...(wanted.roles ?? [])],
    attributes: { ...wanted.attributes },
    profile: { ...wanted.profile },
    ...(wanted.passwordHash !== undefined && { password: { hash: wanted.passwordHash, changedAt: now } }),
    createdAt: now,
    revision: 1,
  };
  return { kind: 'valid', account };
}

/** The writes that make an account: a claim per login, in the order of `loginKeys`, then the account. */
export function accountWrites(account: Account): Write[] {
  const claims = loginKeys(account).map((key) => insert(logins, key, { accountId: account.id }));
  return [...claims, insert(accounts, account.id, account)];
}

export function loginKeys(account: Account): LoginKey[] {
  const keys: LoginKey[] = [];
  if (account.email !== undefined) keys.push(`email:${account.email}`);
  if (account.username !== undefined) keys.push(`name:${account.username}`);
  return keys;
}

export async function createAccount(deps: AccountDeps, wanted: NewAccount): Promise<CreateOutcome> {
  const draft = newAccount(wanted, deps.clock.now());
  if (draft.kind === 'invalid') return draft;

  const { account } = draft;
  const outcome = await deps.store.commit(accountWrites(account));
  if (outcome.committed) return { kind: 'created', account };

  const login = loginKeys(account)[outcome.failed.index];
  if (login === undefined) throw new DomainError('conflict', { detail: 'the new account id is in use' });
  return { kind: 'taken', login };
}

export async function findAccount(store: Store, id: string): Promise<Account | undefined> {
  return store.get(accounts, id);
}

/** Throws `not_found`. */
export async function getAccount(store: Store, id: AccountId): Promise<Account> {
  const account = await findAccount(store, id);
  if (!account) throw new DomainError('not_found', { detail: `no account ${id}` });
  return account;
}

/** The account of an e-mail address or user name as typed. Two reads, whether there is one or not (I10). */
export async function findAccountByLogin(store: Store, identifier: string): Promise<Account | undefined> {
  const login = await store.get(logins, loginKey(identifier) ?? 'none');
  return findAccount(store, login?.accountId ?? NO_ACCOUNT);
}

export async function isLoginTaken(store: Store, login: LoginKey): Promise<boolean> {
  return (await store.get(logins, login)) !== undefined;
}

/** For commands and the console, not for a request's path. */
export async function listAccounts(store: Store, options: ListOptions): Promise<Page<Account>> {
  const { records, ...rest } = await store.scan(accounts, options);
  return { records: records.map(({ body }) => body), ...rest };
}

/** Trimmed, one kind of blank, no control or invisible direction characters; undefined if nothing is left. */
export function normalizeName(typed: string): string | undefined {
  if (typed.length > NAME_LENGTH_MAX * 4) return undefined;

  const name = typed.normalize('NFC').replace(/\s+/gu, ' ').trim();
  const length = [...name].length;
  if (length === 0 || length > NAME_LENGTH_MAX) return undefined;
  return /[\p{Cc}\p{Cs}\p{Bidi_Control}]/u.test(name) ? undefined : name;
}
