// Remembered consent: what an account has allowed a client, so that it is asked once. A grant is seeded from
// it, and a code names the revision that it rests on; its redemption puts `consentCheck` in the commit, so
// that a consent withdrawn meanwhile stops the code. A withdrawn consent stays for a while, empty, so that no
// code from before sees its revision number again.
import type { Clock } from '../core/clock.ts';
import { DomainError } from '../core/errors.ts';
import type { AccountId } from '../core/ids.ts';
import { digest } from '../core/secrets.ts';
import { recordType } from '../storage/record-type.ts';
import {
  check,
  insert,
  type ListOptions,
  type Page,
  patch,
  type Store,
  type Write,
} from '../storage/store.ts';

export interface ConsentKey {
  readonly accountId: AccountId;
  readonly clientId: string;
}

/** What was allowed: OpenID scopes, scopes by resource indicator, single claims. */
export interface ConsentGrant {
  readonly openid: readonly string[];
  readonly resources: Readonly<Record<string, readonly string[]>>;
  readonly claims: readonly string[];
}

export interface Consent extends ConsentKey, ConsentGrant {
  /** Goes up with every change. */
  readonly revision: number;
  readonly grantedAt: number;
  readonly withdrawnAt?: number;
  /** When a withdrawn consent may be forgotten. */
  readonly purgeAt?: number;
}

export const consents = recordType<Consent>('consent', {
  lifetime: 'lasting',
  indexes: { account: { field: 'accountId', orderBy: 'grantedAt' } },
  expiresAt: 'purgeAt',
});

export interface ConsentDeps {
  readonly store: Store;
  readonly clock: Clock;
}

const NOTHING: ConsentGrant = { openid: [], resources: {}, claims: [] };
/** Longer than anything lives that rests on a revision. */
const WITHDRAWN_KEPT_MS = 86_400_000;
const TRIES_MAX = 8;

/** The consent in force. */
export async function findConsent(store: Store, key: ConsentKey): Promise<Consent | undefined> {
  const consent = await store.get(consents, consentId(key));
  return consent?.withdrawnAt === undefined ? consent : undefined;
}

/** Those in force and those just withdrawn, by when they were granted. */
export async function listConsents(
  store: Store,
  accountId: AccountId,
  options: ListOptions,
): Promise<Page<Consent>> {
  return store.list(consents, 'account', accountId, options);
}

/** Adds to what the client was allowed. Nothing is written when all of it was allowed already. */
export async function recordConsent(
  deps: ConsentDeps,
  key: ConsentKey,
  granted: ConsentGrant,
): Promise<Consent> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const stored = await deps.store.get(consents, consentId(key));
    if (stored && stored.withdrawnAt === undefined && covers(stored, granted)) return stored;

    const next = granting(stored, { key, granted, now: deps.clock.now() });
    const outcome = await deps.store.commit([writeOf(stored, next)]);
    if (outcome.committed) return next;
  }
  throw new DomainError('conflict', { detail: 'a consent is being changed by others' });
}

/** Takes back all that the client was allowed; answers whether there was anything. Ending its apps is the caller's. */
export async function withdrawConsent(deps: ConsentDeps, key: ConsentKey): Promise<boolean> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const stored = await findConsent(deps.store, key);
    if (!stored) return false;

    const outcome = await deps.store.commit([writeOf(stored, withdrawing(stored, deps.clock.now()))]);
    if (outcome.committed) return true;
  }
  throw new DomainError('conflict', { detail: 'a consent is being changed by others' });
}

/** Makes a commit depend on the consent being the one that a code rests on. */
export function consentCheck(key: ConsentKey, revision: number): Write {
  return check(consents, consentId(key), [
    { path: ['revision'], is: revision },
    { path: ['withdrawnAt'], absent: true },
  ]);
}

/** Whether everything in `wanted` was allowed. */
export function covers(consent: ConsentGrant, wanted: ConsentGrant): boolean {
  const resources = Object.entries(wanted.resources);
  return (
    isSubset(wanted.openid, consent.openid) &&
    isSubset(wanted.claims, consent.claims) &&
    resources.every(([resource, scopes]) => isSubset(scopes, scopesOf(consent, resource)))
  );
}

function granting(
  stored: Consent | undefined,
  { key, granted, now }: { key: ConsentKey; granted: ConsentGrant; now: number },
): Consent {
  const before = stored?.withdrawnAt === undefined ? (stored ?? NOTHING) : NOTHING;
  return {
    accountId: key.accountId,
    clientId: key.clientId,
    openid: union(before.openid, granted.openid),
    resources: mergedResources(before, granted),
    claims: union(before.claims, granted.claims),
    revision: (stored?.revision ?? 0) + 1,
    grantedAt: now,
  };
}

function withdrawing(stored: Consent, now: number): Consent {
  const revision = stored.revision + 1;
  return { ...stored, ...NOTHING, revision, withdrawnAt: now, purgeAt: now + WITHDRAWN_KEPT_MS };
}

/** The write from one state to the next; it depends on the revision, or on there being none. */
function writeOf(stored: Consent | undefined, next: Consent): Write {
  const id = consentId(next);
  if (!stored) return insert(consents, id, next);

  return patch(consents, id, {
    when: [{ path: ['revision'], is: stored.revision }],
    set: [
      [['openid'], next.openid],
      [['resources'], next.resources],
      [['claims'], next.claims],
      [['revision'], next.revision],
      [['grantedAt'], next.grantedAt],
      [['withdrawnAt'], next.withdrawnAt],
      [['purgeAt'], next.purgeAt],
    ],
  });
}

function mergedResources(before: ConsentGrant, granted: ConsentGrant): Record<string, string[]> {
  const names = union(Object.keys(before.resources), Object.keys(granted.resources));
  return Object.fromEntries(
    names.map((name) => [name, union(scopesOf(before, name), scopesOf(granted, name))]),
  );
}

function scopesOf(grant: ConsentGrant, resource: string): readonly string[] {
  return Object.hasOwn(grant.resources, resource) ? (grant.resources[resource] ?? []) : [];
}

function union(one: readonly string[], other: readonly string[]): string[] {
  return [...new Set([...one, ...other])];
}

function isSubset(part: readonly string[], whole: readonly string[]): boolean {
  return part.every((item) => whole.includes(item));
}

function consentId({ accountId, clientId }: ConsentKey): string {
  return digest('consent', accountId, clientId);
}
