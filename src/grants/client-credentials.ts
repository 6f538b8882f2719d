// The client credentials grant (RFC 6749 §4.4). Tokens of an API app belong to an implicit device session
// too, whose id follows from the client and its generation: it is written once, and no token costs a write.
import type { Provider } from 'oidc-provider';
import { errors } from 'oidc-provider';
import * as engine from 'oidc-provider/lib/helpers/grants.js';
import type { ClientRegistry } from '../clients/client-registry.ts';
import type { Clock } from '../core/clock.ts';
import type { SessionId } from '../core/ids.ts';
import { digest } from '../core/secrets.ts';
import type { DeviceSession } from '../sessions/device-session.ts';
import { deviceSessions, endOf, grantIdOf, NEVER_DUE } from '../sessions/device-session.ts';
import type { Store } from '../storage/store.ts';
import { insert } from '../storage/store.ts';
import type { GrantContext } from './issuing.ts';
import { spendProof, validatedProof } from './issuing.ts';
import { requestState } from './request-state.ts';

export const clientCredentialsParameters = ['scope'];

export interface ClientCredentialsDeps {
  store: Store;
  clock: Clock;
  clients: ClientRegistry;
  /** The part of the scopes asked for that this client may have at this API, separated by spaces. */
  apiScope(ask: { clientId: string; scope: string; resource: string }): Promise<string | undefined>;
}

const ONLY_APP = '1';

export function clientCredentialsGrant(provider: Provider, deps: ClientCredentialsDeps) {
  return async function clientCredentials(ctx: GrantContext): Promise<void> {
    const { client } = ctx.oidc;
    const dPoP = await validatedProof(provider, ctx);
    const [api, ...more] = await engine.resolveRequestedResources(provider, ctx);
    if (more.length > 0) throw new errors.InvalidTarget('only one resource can be asked for here');
    const session = await implicitSession(deps, client.clientId);
    requestState(ctx).deviceSession = session;

    const token = new provider.ClientCredentials({ client });
    if (api) {
      token.resourceServer = api;
      token.scope = await deps.apiScope({
        clientId: client.clientId,
        scope: scopeOf(ctx),
        resource: audienceOf(api),
      });
    }
    if (dPoP) token.setThumbprint('jkt', dPoP.thumbprint);
    await spendProof(provider, ctx, dPoP);
    Object.assign(token, { grantId: grantIdOf(session.id, ONLY_APP), sid: session.id });

    ctx.oidc.entity('ClientCredentials', token);
    const value = await token.save();
    ctx.body = engine.buildTokenResponse(provider, {
      accessToken: value,
      expiresIn: token.expiration,
      scope: token.scope || undefined,
      tokenType: token.tokenType,
    });
  };
}

function scopeOf(ctx: GrantContext): string {
  const { scope } = ctx.oidc.params;
  return typeof scope === 'string' ? scope : '';
}

function audienceOf(api: { audience?: string | string[] | undefined }): string {
  return typeof api.audience === 'string' ? api.audience : '';
}

/** The live session of an API app; the one after it where the last was ended. */
async function implicitSession(deps: ClientCredentialsDeps, clientId: string): Promise<DeviceSession> {
  const client = await deps.clients.find(clientId);
  if (!client) throw new errors.InvalidClient('the client is gone');

  const id = implicitSessionId(clientId, client.sessionGeneration);
  const known = await deps.store.get(deviceSessions, id);
  const now = deps.clock.now();
  if (known && !endOf(known, now)) return known;
  if (known) {
    await deps.clients.advanceGeneration(clientId, client.sessionGeneration);
    return implicitSession(deps, clientId);
  }

  const session = newImplicitSession(id, clientId, now);
  // Two first requests write the same record; it does not matter whose is there.
  await deps.store.commit([insert(deviceSessions, id, session)]);
  return session;
}

export function implicitSessionId(clientId: string, generation: number): SessionId {
  return `ses_${digest('implicit session', clientId, String(generation)).slice(0, 22)}` as SessionId;
}

function newImplicitSession(id: SessionId, clientId: string, now: number): DeviceSession {
  const app = {
    clientId,
    grant: { openid: '', resources: {} },
    startedAt: now,
    lastActiveAt: now,
    nextChain: 1,
    chains: {},
  };
  return {
    id,
    state: 'live',
    platform: 'api',
    device: { name: clientId },
    startedAt: now,
    lastActiveAt: now,
    startedBy: { how: 'client' },
    dueAt: NEVER_DUE,
    nextApp: 2,
    apps: { [ONLY_APP]: app },
    todo: [],
  };
}
