// What a client gets of what it asks for: within its registration, within the ceiling of its platform (each
// platform is its own permission system, settled when the session begins), and, for clients of others,
// within what the account has consented to.
import type { ConsentGrant } from '../accounts/consent.ts';
import type { ClientRecord } from '../clients/client.ts';
import type { PlatformSettings } from '../config/platforms.ts';
import type { AppGrant } from '../sessions/device-session.ts';

/** Scopes of OpenID Connect that this server knows. */
export const openidScopes = ['openid', 'profile', 'email', 'offline_access'] as const;

export interface ScopeRequest {
  /** As asked for, separated by spaces. */
  scope: string;
  resource: readonly string[];
}

export interface ScopeContext {
  client: ClientRecord;
  platform: Partial<PlatformSettings>;
  /** Scopes of each API by its identifier. */
  apiScopes: ReadonlyMap<string, readonly string[]>;
  /** Absent for first-party clients: they are not asked for consent. */
  consent?: ConsentGrant | undefined;
}

/** The most that this request can lead to, whether consented to or not. */
export function scopeCeiling(request: ScopeRequest, context: ScopeContext): AppGrant {
  const asked = request.scope.split(' ').filter(Boolean);
  const allowed = asked.filter((scope) => mayHave(context, scope));
  const known: readonly string[] = openidScopes;
  const resources = request.resource.map((resource): [string, string] => {
    const offered = context.apiScopes.get(resource) ?? [];
    return [resource, allowed.filter((scope) => offered.includes(scope)).join(' ')];
  });
  return {
    openid: allowed.filter((scope) => known.includes(scope)).join(' '),
    resources: Object.fromEntries(resources.filter(([, scope]) => scope !== '')),
  };
}

/** The part of the ceiling that needs no further consent. */
export function grantedScopes(request: ScopeRequest, context: ScopeContext): AppGrant {
  const ceiling = scopeCeiling(request, context);
  if (context.client.metadata.first_party) return ceiling;

  const { consent } = context;
  const resources = Object.entries(ceiling.resources).map(([resource, scope]): [string, string] => [
    resource,
    within(scope, consent?.resources[resource]),
  ]);
  return {
    openid: within(ceiling.openid, consent?.openid),
    resources: Object.fromEntries(resources.filter(([, scope]) => scope !== '')),
  };
}

function mayHave({ client, platform }: ScopeContext, scope: string): boolean {
  const { metadata } = client;
  // Scopes of APIs are had by registration only: whoever forgets it gets too little, not everything.
  const registered: readonly string[] = metadata.scope?.split(' ') ?? openidScopes;
  if (!registered.includes(scope)) return false;
  if (platform.scopes && scope !== 'openid' && !platform.scopes.includes(scope)) return false;
  // Letting another device in is for apps that the operator has marked, whatever they are registered for.
  if (scope.startsWith('qr:') && !(metadata.first_party && metadata.qr_approve)) return false;
  return true;
}

function within(scope: string, consented: readonly string[] = []): string {
  return scope
    .split(' ')
    .filter((name) => consented.includes(name))
    .join(' ');
}
