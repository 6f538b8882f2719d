// Changes of an account that exists. Each depends on the revision it was decided on; what belongs into a
// larger commit (a lock together with the end of every session) is offered as the changes or the write alone.

import { DomainError } from '../core/errors.ts';
import type { AccountId } from '../core/ids.ts';
import { type FieldChange, patch, type Store, type Write } from '../storage/store.ts';
import { type Account, type AccountDeps, accounts, getAccount } from './account.ts';

const TRIES_MAX = 8;

/**
 * Changes fields of an account, depending on the revision they were decided on; decides again when another
 * change came first. `decide` answers undefined when nothing is to do. Throws `not_found` and `conflict`.
 */
export async function changeAccount(
  store: Store,
  id: AccountId,
  decide: (account: Account) => readonly FieldChange[] | undefined,
): Promise<Account> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const account = await getAccount(store, id);
    const changes = decide(account);
    if (!changes) return account;

    const outcome = await store.commit([changeWrite(account, changes)]);
    if (outcome.committed) return getAccount(store, id);
  }
  throw new DomainError('conflict', { detail: `account ${id} is being changed by others` });
}

/** One change of this revision of the account, for commits that hold more than it. */
export function changeWrite(account: Account, changes: readonly FieldChange[]): Write {
  return patch(accounts, account.id, {
    when: [{ path: ['revision'], is: account.revision }],
    set: [...changes, [['revision'], account.revision + 1]],
  });
}

/** Refuses every further sign-in. Ending the sessions that live is the caller's, in the same breath. */
export async function lockAccount(deps: AccountDeps, id: AccountId, reason: string): Promise<Account> {
  return changeAccount(deps.store, id, (account) =>
    account.state === 'locked' ? undefined : lockChanges(deps.clock.now(), reason),
  );
}

export function lockChanges(now: number, reason: string): FieldChange[] {
  return [
    [['state'], 'locked'],
    [['lockedAt'], now],
    [['lockedReason'], reason],
  ];
}

export async function unlockAccount(deps: AccountDeps, id: AccountId): Promise<Account> {
  return changeAccount(deps.store, id, (account) =>
    account.state === 'active'
      ? undefined
      : [
          [['state'], 'active'],
          [['lockedAt'], undefined],
          [['lockedReason'], undefined],
        ],
  );
}

/** Sets the password to one that was hashed; whether sessions end is the caller's to decide. */
export async function setPassword(deps: AccountDeps, id: AccountId, hash: string): Promise<Account> {
  return changeAccount(deps.store, id, () => passwordChanges(deps.clock.now(), hash));
}

export function passwordChanges(now: number, hash: string): FieldChange[] {
  return [[['password'], { hash, changedAt: now }]];
}

/** The same password under a new cost: depends on the old hash alone and leaves `changedAt` and `revision`. */
export function rehashWrite(account: Account, oldHash: string, newHash: string): Write {
  return patch(accounts, account.id, {
    when: [{ path: ['password', 'hash'], is: oldHash }],
    set: [[['password', 'hash'], newHash]],
  });
}
