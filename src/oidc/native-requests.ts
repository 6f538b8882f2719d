// Requests of native apps. Such a request has an engine session of its own, in a cookie of its own, which is
// good for its interaction only and gone with the answer: a signed-in native app leaves no single sign-on
// behind, and a browser session that is there is neither used, changed nor ended by it.

import type { Context, Next } from 'koa';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { Provider as Engine } from 'oidc-provider';
import type { ClientRecord } from '../clients/client.ts';
import type { ClientRegistry } from '../clients/client-registry.ts';
import { digest } from '../core/secrets.ts';
import { requestState } from '../grants/request-state.ts';

/** A client whose sign-ins open a session of their own, unless it asked for single sign-on. */
export function isNativeClient({ metadata }: Pick<ClientRecord, 'metadata'>): boolean {
  return metadata.application_type === 'native' && metadata.browser_session !== true;
}

export interface NativeCookie {
  /** Leads the names of the cookies that native requests use instead of the browser session's. */
  name: string;
}

const AUTHORIZE = /^\/authorize(?:\/([\w-]{21,64}))?\/?$/i;
const CLIENT_ID_MAX = 128;
const MARK_LENGTH = 12;

/** Marks native requests, and destroys their session with the answer that leads back to the app. */
export function nativeRequests(provider: Provider, clients: ClientRegistry, native: NativeCookie) {
  return async function nativeRequest(ctx: Context, next: Next): Promise<void> {
    const [match, uid] = AUTHORIZE.exec(ctx.path) ?? [];
    if (match === undefined) return next();

    const cookieName = await nativeCookieName(provider, clients, {
      clientId: ctx.query.client_id,
      uid,
      native,
    });
    if (cookieName !== undefined) requestState(ctx).nativeCookie = cookieName;
    await next();
    // A request that only begins has no session yet, and must not touch that of another which is under way.
    if (cookieName !== undefined && uid !== undefined) await leaveNothingBehind(ctx, cookieName);
  };
}

/**
 * The cookie of this sign-in, if it is a native app's. Each sign-in has one of its own, told apart by what
 * the engine carries along its interactions, so that two in one browser never meet, and one that was left
 * half-way lends its account to no other.
 */
async function nativeCookieName(
  provider: Provider,
  clients: ClientRegistry,
  request: { clientId: unknown; uid: string | undefined; native: NativeCookie },
): Promise<string | undefined> {
  const interaction = request.uid === undefined ? undefined : await provider.Interaction.find(request.uid);
  const clientId = interaction?.params.client_id ?? request.clientId;
  if (typeof clientId !== 'string' || clientId.length > CLIENT_ID_MAX) return undefined;

  const client = await clients.find(clientId);
  if (!client || !isNativeClient(client)) return undefined;

  // A member of the engine's interactions that is not in the types.
  const { cid = 'none' } = (interaction ?? {}) as { cid?: string };
  return `${request.native.name}_${digest('native sign-in', cid).slice(0, MARK_LENGTH)}`;
}

/** The engine asks for the name of its session cookie at each request; native ones get another. */
export function separateNativeCookies(provider: Provider): void {
  // cookieName is not in the types; it is what the engine reads and writes its cookies by.
  const engine = provider as Provider & { cookieName(type: string): string };
  const original = engine.cookieName.bind(provider);
  engine.cookieName = (type) => {
    const own = type === 'session' && Engine.ctx ? requestState(Engine.ctx).nativeCookie : undefined;
    return own ?? original(type);
  };
}

/** Runs when the engine has an answer for the client, a code or an error, before the session is saved. */
export function forgetNativeSessions(provider: Provider): void {
  function forget(ctx: KoaContextWithOIDC): void {
    if (requestState(ctx).nativeCookie === undefined || !ctx.oidc?.session) return;

    requestState(ctx).nativeAnswered = true;
    // The engine neither saves a destroyed session nor sets its cookie.
    Object.assign(ctx.oidc.session, { destroyed: true });
  }
  provider.on('authorization.success', forget);
  provider.on('authorization.error', forget);
}

async function leaveNothingBehind(ctx: Context, cookieName: string): Promise<void> {
  const session = requestState(ctx).nativeAnswered ? ctx.oidc?.session : undefined;
  if (!session) return;

  await session.destroy();
  // A request that was asked more than one thing was saved under another id before; not in the types.
  const { oldId } = session as { oldId?: string };
  if (oldId !== undefined) await ctx.oidc.provider.Session.adapter.destroy(oldId);
  // By its own name: the engine is through with this request and would name the browser's cookie.
  ctx.oidc.cookies.set(cookieName, null, { path: '/', signed: true });
}
