// The engine's Grant is an app of a device session, and there as long as both are live. It is never destroyed
// by the engine: what ends an app says so, with its reason.
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { Provider } from 'oidc-provider';
import { readOnce, requestState } from '../../grants/request-state.ts';
import { deviceSessions, endOfApp, parseGrantId } from '../../sessions/device-session.ts';
import type { AdapterDeps } from './adapter-deps.ts';

/** The engine wants an expiry; a session without an absolute limit gets a far one. */
const YEAR_SECONDS = 365 * 86_400;

export function grantAdapter(deps: AdapterDeps): Partial<Adapter> {
  async function find(id: string): Promise<AdapterPayload | undefined> {
    const place = parseGrantId(id);
    if (!place) return undefined;

    const { ctx } = Provider;
    const session = await readOnce(ctx, place.sessionId, () =>
      deps.store.get(deviceSessions, place.sessionId),
    );
    const app = session?.apps[place.appNumber];
    const now = deps.clock.now();
    if (!session || !app || endOfApp(session, place.appNumber, now)) return undefined;

    if (ctx) requestState(ctx).deviceSession = session;
    const expiresAt = session.absoluteUntil ?? now + YEAR_SECONDS * 1000;
    return {
      jti: id,
      kind: 'Grant',
      iat: Math.floor(session.startedAt / 1000),
      exp: Math.floor(expiresAt / 1000),
      ...(session.accountId !== undefined && { accountId: session.accountId }),
      clientId: app.clientId,
      openid: { scope: app.grant.openid, ...(app.grant.claims && { claims: app.grant.claims }) },
      resources: app.grant.resources,
    };
  }

  return { find };
}
