// An interaction: an authorization request that waits for a person at one of our pages.
import type { Context } from 'koa';
import type { ClientRecord } from '../clients/client.ts';
import { DomainError } from '../core/errors.ts';
import { isNativeClient } from '../oidc/native-requests.ts';
import type { SignInResult } from '../oidc/sign-in-result.ts';
import { type DeviceSession, deviceSessions, type End, endOf } from '../sessions/device-session.ts';
import type { WebDeps } from './web-deps.ts';

/** The engine's record of the request, checked against the browser's cookie. */
type Details = Awaited<ReturnType<ReturnType<WebDeps['engine']>['interactionDetails']>>;

export interface Interaction {
  uid: string;
  prompt: { name: string; details: Record<string, unknown> };
  params: Record<string, unknown>;
  client: ClientRecord;
  /** The request of a TV, which the browser only approves. */
  isDeviceFlow: boolean;
  accountId: string | undefined;
}

/** Throws the engine's `SessionNotFound` where the cookie and the address do not belong together. */
export async function findInteraction(deps: WebDeps, ctx: Context): Promise<Interaction> {
  const details: Details = await deps.engine().interactionDetails(ctx.req, ctx.res);
  const clientId = String(details.params.client_id ?? '');
  const client = await deps.clients.find(clientId);
  if (!client) throw new DomainError('not_found', { detail: `client ${clientId} is gone` });

  return {
    uid: details.uid,
    prompt: { name: details.prompt.name, details: details.prompt.details },
    params: details.params,
    client,
    isDeviceFlow: details.deviceCode !== undefined,
    accountId: details.session?.accountId,
  };
}

/** A native app's sign-in starts its session with its code; every other one is the browser's own. */
export function opensBrowserSession({ client, isDeviceFlow }: Interaction): boolean {
  return isDeviceFlow || !isNativeClient(client);
}

/** Goes on with the request; the engine merges what earlier steps of it found. */
export async function finishInteraction(
  deps: WebDeps,
  ctx: Context,
  result:
    | { login: SignInResult }
    | { consent: Record<string, never> }
    | { error: string; error_description: string },
): Promise<void> {
  // Spread, as the engine's type wants results that may have any member.
  const results = 'login' in result ? { login: { ...result.login } } : result;
  const location = await deps.engine().interactionResult(ctx.req, ctx.res, results);
  ctx.status = 303;
  ctx.redirect(location);
}

/** The device session that the browser's cookie names, and the end it came to. */
export async function browserDeviceSession(
  deps: WebDeps,
  ctx: Context,
): Promise<{ session?: DeviceSession; end?: End }> {
  const engine = deps.engine();
  // The engine's Session reads the cookie itself; its member is ours (oidc/engine-overrides.ts).
  const { deviceSessionId } = (await engine.Session.get(ctx)) as { deviceSessionId?: string };
  if (deviceSessionId === undefined) return {};

  const session = await deps.store.get(deviceSessions, deviceSessionId);
  const end = session && endOf(session, deps.clock.now());
  return { ...(session && { session }), ...(end && { end }) };
}
