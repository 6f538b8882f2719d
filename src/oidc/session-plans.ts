// Which device session an authorization will belong to: the browser's own, or a new one for a native app or
// a TV. Nothing is written here; the plan goes into the code, and redeeming that carries it out.
import type { Grant, KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Consent } from '../accounts/consent.ts';
import { findConsent } from '../accounts/consent.ts';
import type { ClientRecord } from '../clients/client.ts';
import { defaultPlatform } from '../clients/client.ts';
import type { ClientRegistry } from '../clients/client-registry.ts';
import type { PlatformSettings } from '../config/platforms.ts';
import type { Clock } from '../core/clock.ts';
import type { AccountId, SessionId } from '../core/ids.ts';
import { isSessionId, newSessionId } from '../core/ids.ts';
import { grantedScopes, type ScopeContext, scopeCeiling } from '../grants/granted-scopes.ts';
import { installationOf, knownInstallation } from '../grants/installation.ts';
import type { PendingSession } from '../grants/one-time-codes.ts';
import { requestState } from '../grants/request-state.ts';
import { noteActivity } from '../sessions/activity.ts';
import type { AppGrant, DeviceSession } from '../sessions/device-session.ts';
import { deviceSessions, endOf } from '../sessions/device-session.ts';
import type { Store } from '../storage/store.ts';
import { isNativeClient } from './native-requests.ts';
import type { SignInResult } from './sign-in-result.ts';
import { signInResult } from './sign-in-result.ts';

export interface PlanDeps {
  store: Store;
  clock: Clock;
  clients: ClientRegistry;
  platforms: Readonly<Record<string, PlatformSettings>>;
  apiScopes: ReadonlyMap<string, readonly string[]>;
  /** Names the device for its owner, from what the request says about itself. */
  deviceNameOf(ctx: KoaContextWithOIDC, client: ClientRecord): { name: string; os?: string };
}

/** The engine's `loadExistingGrant`: an unsaved grant that names the session and what is granted in it. */
export function grantLoader(deps: PlanDeps) {
  return async function loadExistingGrant(ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
    const { oidc } = ctx;
    const client = oidc.client && (await deps.clients.find(oidc.client.clientId));
    // The engine calls this for signed-in sessions only.
    const accountId = oidc.session?.accountId as AccountId | undefined;
    if (!client || !accountId) return undefined;

    const place = await placeOf(deps, ctx, client, accountId);
    if (!place) return undefined;

    const consent = await consentOf(deps, client, accountId);
    const platform = deps.platforms[place.platform] ?? {};
    const scopes: ScopeContext = { client, platform, apiScopes: deps.apiScopes, consent };
    const request = requestedScopes(ctx);
    const granted = grantedScopes(request, scopes);
    requestState(ctx).plan = {
      ...place.plan,
      grant: granted,
      ...(consent && { consent: { accountId, revision: consent.revision } }),
    };
    oidc.session?.sidFor(client.id, place.sessionId);
    return engineGrant(oidc.provider, {
      id: place.sessionId,
      accountId,
      clientId: client.id,
      granted,
      refused: beyond(request, scopeCeiling(request, scopes), deps.apiScopes),
    });
  };
}

interface Place {
  sessionId: SessionId;
  platform: string;
  plan: { kind: 'join'; sessionId: SessionId } | { kind: 'start'; pending: PendingSession };
}

async function placeOf(
  deps: PlanDeps,
  ctx: KoaContextWithOIDC,
  client: ClientRecord,
  accountId: AccountId,
): Promise<Place | undefined> {
  const result = signInResult(ctx.oidc.result);
  const isDeviceFlow = ctx.oidc.deviceCode !== undefined;
  if (isNativeClient(client) && !isDeviceFlow) {
    return result && nativePlace(deps, ctx, { client, accountId, result });
  }

  const session = await browserDeviceSession(deps, ctx, result);
  if (!session) return undefined;

  await noteActivity(deps, session);
  if (isDeviceFlow) return deviceFlowPlace(deps, ctx, { client, accountId, approver: session });
  return { sessionId: session.id, platform: session.platform, plan: { kind: 'join', sessionId: session.id } };
}

/** The device session of the browser: the one of a sign-in that was just completed, or its cookie's. */
async function browserDeviceSession(
  deps: PlanDeps,
  ctx: KoaContextWithOIDC,
  result: SignInResult | undefined,
): Promise<DeviceSession | undefined> {
  const state = requestState(ctx);
  const id = result?.deviceSessionId;
  if (id === undefined || !isSessionId(id)) return state.deviceSession;

  const session = await deps.store.get(deviceSessions, id);
  if (!session || endOf(session, deps.clock.now())) return undefined;

  // The engine keeps this member of its session because engine-overrides.ts tells it to.
  Object.assign(ctx.oidc.session ?? {}, { deviceSessionId: id });
  state.deviceSession = session;
  return session;
}

/** A TV or a command line: a session of its own, let in by the browser that approves it. */
function deviceFlowPlace(
  deps: PlanDeps,
  ctx: KoaContextWithOIDC,
  known: { client: ClientRecord; accountId: AccountId; approver: DeviceSession },
): Place | undefined {
  const { approver } = known;
  if (!approver.auth) return undefined;

  return startPlace(deps, ctx, {
    ...known,
    auth: approver.auth,
    authenticatedAt: deps.clock.now(),
    startedBy: { how: 'code', sessionId: approver.id },
  });
}

function nativePlace(
  deps: PlanDeps,
  ctx: KoaContextWithOIDC,
  known: { client: ClientRecord; accountId: AccountId; result: SignInResult },
): Place {
  const { result } = known;
  return startPlace(deps, ctx, {
    ...known,
    auth: { time: result.ts, acr: result.acr, amr: result.amr },
    authenticatedAt: result.authenticatedAt,
    startedBy: result.startedBy,
  });
}

function startPlace(
  deps: PlanDeps,
  ctx: KoaContextWithOIDC,
  known: { client: ClientRecord; accountId: AccountId } & Pick<
    PendingSession,
    'auth' | 'authenticatedAt' | 'startedBy'
  >,
): Place {
  const { client, accountId, auth, authenticatedAt, startedBy } = known;
  const id = newSessionId();
  const platform = platformOf(ctx, client);
  const installation = installationOf(ctx.oidc.params);
  const pending: PendingSession = {
    id,
    accountId,
    platform,
    device: {
      ...deps.deviceNameOf(ctx, client),
      ...(installation !== undefined && { installationId: installation }),
    },
    auth,
    authenticatedAt,
    startedBy,
    ...knownInstallation(client.id, installation),
  };
  return { sessionId: id, platform, plan: { kind: 'start', pending } };
}

/** A request may choose among the platforms that the client is registered for, and no other. */
function platformOf(ctx: KoaContextWithOIDC, client: ClientRecord): string {
  const asked = ctx.oidc.params?.platform;
  const registered = client.metadata.platforms ?? [];
  return typeof asked === 'string' && registered.includes(asked) ? asked : defaultPlatform(client.metadata);
}

async function consentOf(
  deps: PlanDeps,
  client: ClientRecord,
  accountId: AccountId,
): Promise<Consent | undefined> {
  return client.metadata.first_party
    ? undefined
    : findConsent(deps.store, { accountId, clientId: client.id });
}

function requestedScopes(ctx: KoaContextWithOIDC): { scope: string; resource: string[] } {
  const { scope } = ctx.oidc.params ?? {};
  return {
    scope: typeof scope === 'string' ? scope : '',
    resource: Object.keys(ctx.oidc.resourceServers ?? {}),
  };
}

/** What was asked for and cannot be had; said to the engine as refused, so that nobody is asked for it. */
function beyond(
  request: { scope: string; resource: string[] },
  ceiling: AppGrant,
  apiScopes: ReadonlyMap<string, readonly string[]>,
): AppGrant {
  const asked = request.scope.split(' ').filter(Boolean);
  const missing = (offered: string) => asked.filter((scope) => !offered.split(' ').includes(scope));
  const resources = request.resource.map((resource): [string, string] => {
    const known = apiScopes.get(resource) ?? [];
    const refused = missing(ceiling.resources[resource] ?? '').filter((scope) => known.includes(scope));
    return [resource, refused.join(' ')];
  });
  return { openid: missing(ceiling.openid).join(' '), resources: Object.fromEntries(resources) };
}

function engineGrant(
  provider: Provider,
  grant: { id: string; accountId: string; clientId: string; granted: AppGrant; refused: AppGrant },
): Grant {
  const { granted, refused } = grant;
  const model = new provider.Grant({ accountId: grant.accountId, clientId: grant.clientId });
  Object.assign(model, { jti: grant.id });
  if (granted.openid) model.addOIDCScope(granted.openid);
  if (refused.openid) model.rejectOIDCScope(refused.openid);
  for (const [resource, scope] of Object.entries(granted.resources)) {
    if (scope) model.addResourceScope(resource, scope);
  }
  for (const [resource, scope] of Object.entries(refused.resources)) {
    if (scope) model.rejectResourceScope(resource, scope);
  }
  return model;
}
