// `strata accounts …`: people, from the operator's side.
import assert from 'node:assert/strict';
import type { Account, InvalidField, NewAccount } from '../accounts/account.ts';
import {
  createAccount,
  findAccount,
  findAccountByLogin,
  listAccounts,
  newAccount,
} from '../accounts/account.ts';
import { unlockAccount } from '../accounts/account-changes.ts';
import { type PasswordComplaint, passwordComplaint } from '../accounts/password.ts';
import { lockOut } from '../sessions/lock-out.ts';
import { CommandError } from './failure.ts';
import { type Listing, pagesOf, printListing, timeText } from './listing.ts';
import { newPassword, type PasswordSource } from './new-password.ts';
import type { Shell } from './shell.ts';
import { type ConfigOption, configOf, inWorkspace, type Workspace } from './workspace.ts';

export interface CreateAccountOptions extends ConfigOption, PasswordSource {
  readonly name: string;
  readonly email?: string | undefined;
  readonly emailVerified?: boolean | undefined;
  readonly username?: string | undefined;
  readonly groups: readonly string[];
  readonly roles: readonly string[];
  readonly json?: boolean | undefined;
}

const PAGE = 500;
/** Who the command line is in the records of what was ended. */
const BY = 'admin:cli';

export async function createAccountCommand(shell: Shell, options: CreateAccountOptions): Promise<void> {
  const { terminal } = shell;
  const config = configOf(shell, options);
  refuseInvalid(options);
  const { password, isGenerated } = await newPassword(terminal, options);
  refusePassword(password, options, config.passwords.lengthMin);

  await inWorkspace(shell, { config, database: 'new' }, async (workspace) => {
    const account = await storeAccount(workspace, options, password);
    if (options.json) {
      terminal.print(JSON.stringify({ ...publicAccount(account), ...(isGenerated && { password }) }));
      return;
    }
    terminal.print(`Made account ${account.id} for ${loginOf(account)}.`);
    if (isGenerated) terminal.print(`Password, shown now and never again: ${password}`);
  });
}

export async function listAccountsCommand(
  shell: Shell,
  options: ConfigOption & { json?: boolean | undefined },
): Promise<void> {
  await inWorkspace(shell, { config: configOf(shell, options), database: 'there' }, async ({ store }) => {
    const pages = pagesOf((after) =>
      listAccounts(store, { limit: PAGE, ...(after !== undefined && { after }) }),
    );
    await printListing(shell.terminal, pages, { listing, json: options.json });
  });
}

export async function lockAccountCommand(
  shell: Shell,
  who: string,
  options: ConfigOption & { ban?: boolean | undefined; reason?: string | undefined },
): Promise<void> {
  await inWorkspace(shell, { config: configOf(shell, options), database: 'there' }, async (workspace) => {
    const account = await requireAccount(workspace, who);
    const reason = options.ban ? 'banned' : 'admin';
    const settings = { tombstonesMs: workspace.config.sessions.tombstones };
    const note = options.reason ?? 'locked on the command line';
    const ended = await lockOut({ ...workspace, settings }, account.id, { reason, by: BY, note });
    const done = account.state === 'locked' ? 'was locked already' : 'is locked';
    shell.terminal.print(`${loginOf(account)} (${account.id}) ${done}; ${sessionsEnded(ended.length)}.`);
  });
}

export async function unlockAccountCommand(shell: Shell, who: string, options: ConfigOption): Promise<void> {
  await inWorkspace(shell, { config: configOf(shell, options), database: 'there' }, async (workspace) => {
    const account = await requireAccount(workspace, who);
    await unlockAccount(workspace, account.id);
    const done = account.state === 'active' ? 'was not locked' : 'can sign in again';
    shell.terminal.print(`${loginOf(account)} (${account.id}) ${done}.`);
  });
}

function refusePassword(
  password: string,
  { email, username }: CreateAccountOptions,
  lengthMin: number,
): void {
  const logins = [email, username].filter((login) => login !== undefined);
  const complaint = passwordComplaint(password, { lengthMin, logins });
  if (complaint) throw new CommandError(`The password ${passwordWords(complaint, lengthMin)}.`);
}

function passwordWords(complaint: PasswordComplaint, lengthMin: number): string {
  switch (complaint) {
    case 'too_short':
      return `must have at least ${lengthMin} characters`;
    case 'too_long':
      return 'is longer than 256 characters';
    case 'equals_login':
      return 'must not be the name that one signs in with';
    case 'not_text':
      return 'is not valid text';
  }
}

async function storeAccount(
  workspace: Workspace,
  options: CreateAccountOptions,
  password: string,
): Promise<Account> {
  const passwordHash = await workspace.passwords.hash(password);
  const outcome = await createAccount(workspace, { ...wanted(options), passwordHash });
  assert(outcome.kind !== 'invalid', 'what was asked for was judged before');
  if (outcome.kind === 'created') return outcome.account;

  throw new CommandError(`There is an account for ${outcome.login.replace(/^\w+:/, '')} already.`);
}

function wanted({ name, email, emailVerified, username, groups, roles }: CreateAccountOptions): NewAccount {
  return {
    name,
    groups,
    roles,
    emailVerified: emailVerified === true,
    ...(email !== undefined && { email }),
    ...(username !== undefined && { username }),
  };
}

/** Before anybody is asked for a password. */
function refuseInvalid(options: CreateAccountOptions): void {
  const draft = newAccount(wanted(options), 0);
  if (draft.kind === 'invalid') throw new CommandError(`${invalidWords[draft.field]}.`);
}

const invalidWords: Readonly<Record<InvalidField, string>> = {
  name: 'The name must have 1 to 100 characters, none of them invisible',
  email: 'The e-mail address is none that mail could be sent to',
  username: 'The user name must have 2 to 64 letters, digits, dots, hyphens or underscores',
  login: 'An account needs a name to sign in with: give --email, --username or both',
};

/** By account id, e-mail address or user name. */
async function requireAccount({ store }: Workspace, who: string): Promise<Account> {
  const account = (await findAccount(store, who)) ?? (await findAccountByLogin(store, who));
  if (!account) throw new CommandError(`There is no account ${who}.`);
  return account;
}

const listing: Listing<Account> = {
  none: 'There are no accounts yet. Make one: strata accounts create --email ada@example.com --name Ada',
  columns: {
    ID: ({ id }) => id,
    STATE: ({ state }) => state,
    LOGIN: loginOf,
    NAME: ({ name }) => name,
    GROUPS: ({ groups }) => groups.join(','),
    ROLES: ({ roles }) => roles.join(','),
    CREATED: ({ createdAt }) => timeText(createdAt),
  },
  json: publicAccount,
};

/** What may be shown of an account: everything but the hash of its password. */
function publicAccount(account: Account): object {
  const {
    emailVerified,
    password,
    createdAt,
    lockedAt,
    lockedReason,
    revision: _revision,
    ...rest
  } = account;
  return {
    ...rest,
    email_verified: emailVerified,
    has_password: password !== undefined,
    created_at: timeText(createdAt),
    ...(lockedAt !== undefined && { locked_at: timeText(lockedAt), locked_reason: lockedReason }),
  };
}

function loginOf({ email, username }: Account): string {
  return [email, username].filter((login) => login !== undefined).join(', ');
}

function sessionsEnded(count: number): string {
  if (count === 0) return 'no session was live';
  return count === 1 ? '1 session ended' : `${count} sessions ended`;
}
