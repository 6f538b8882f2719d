// The places of an account that the claims-by-API table may name.
import type { Json } from '../storage/store.ts';
import type { Account } from './account.ts';

export type AccountPath = 'roles' | 'groups' | `attributes.${string}` | `profile.${string}`;

const pathShape = /^(?:roles|groups|(?:attributes|profile)\..+)$/s;

export function isAccountPath(path: string): path is AccountPath {
  return pathShape.test(path);
}

/** What stands there; undefined if nothing does. Names may hold dots. */
export function accountValue(account: Account, path: AccountPath): Json | undefined {
  if (path === 'roles' || path === 'groups') return account[path];

  const dot = path.indexOf('.');
  const bag = path.startsWith('attributes.') ? account.attributes : account.profile;
  const name = path.slice(dot + 1);
  // Own properties only: `attributes.constructor` is no attribute.
  return Object.hasOwn(bag, name) ? bag[name] : undefined;
}
