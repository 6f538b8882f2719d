// What happens around the engine's own routes: the address of a TV's code loses its query before the page is
// drawn, wrong codes are counted, and signing out ends the device session or the app in it.
import type { Context, Next } from 'koa';
import { DomainError } from '../../core/errors.ts';
import type { SessionId } from '../../core/ids.ts';
import { requestState } from '../../grants/request-state.ts';
import { networkPrefix } from '../../protection/address.ts';
import { giveBackAll, takeAll } from '../../protection/limiter.ts';
import { deviceSessions, liveApps } from '../../sessions/device-session.ts';
import { endApp, endSession } from '../../sessions/ending.ts';
import { browserUid } from '../browser.ts';
import type { WebDeps } from '../web-deps.ts';
import { webState } from '../web-state.ts';

/** As the engine's router takes it: in any case, with a slash at the end or without. */
const CODE_PAGE = /^\/device\/?$/i;

/** `verification_uri_complete` fills in the code; the engine would post it by an inline script instead. */
export async function userCodeInAddress(ctx: Context, next: Next): Promise<void> {
  if (ctx.method === 'GET' && CODE_PAGE.test(ctx.path) && ctx.querystring !== '') {
    ctx.state.userCodeQuery = ctx.querystring;
    ctx.querystring = '';
  }
  await next();
}

/** RFC 8628 §5.1: a user code is short, so guesses are few, by browser and by network. */
export function userCodeGuesses(deps: WebDeps) {
  return async function countGuess(ctx: Context, next: Next): Promise<void> {
    if (ctx.method !== 'POST' || !CODE_PAGE.test(ctx.path)) return next();

    const budgets = [
      { limiter: deps.userCodeLimits.browser, key: browserUid(deps, ctx) },
      { limiter: deps.userCodeLimits.network, key: networkPrefix(webState(ctx).address) },
    ];
    // Taken before the code is looked at, so that guesses at the same moment do not slip by.
    const limit = takeAll(budgets);
    if (limit.kind === 'limited') {
      throw new DomainError('rate_limited', { retryAfterSeconds: limit.retryAfterSeconds });
    }

    try {
      await next();
    } finally {
      if (!isWrongGuess(ctx)) giveBackAll(budgets);
    }
  };
}

function isWrongGuess(ctx: Context): boolean {
  const { oidc } = ctx;
  // While the store is away every code is unknown.
  if (requestState(ctx).outage) return false;
  return oidc?.params?.user_code !== undefined && oidc.deviceCode === undefined;
}

/** An outage is no refusal: whoever asks is told when to come back, and keeps what it has (I9). */
export async function askBackLater(ctx: Context, next: Next): Promise<void> {
  await next();
  const { outage } = requestState(ctx);
  if (!outage) return;
  // Of a session that was not saved.
  ctx.remove('set-cookie');
  if (tellsApp(ctx)) return;

  ctx.remove('location');
  throw new DomainError('overloaded', outage);
}

/** RFC 6749 §4.1.2.1: `temporarily_unavailable` is how an app hears of it through the browser. */
function tellsApp(ctx: Context): boolean {
  return /[?&#]error=temporarily_unavailable/.test(String(ctx.response.get('location')));
}

/**
 * Signing out by an app's request: of the whole browser, or of that app alone (design §2). It comes before the
 * browser forgets its session (oidc/adapters/browser-sessions.ts), so that whoever hears nothing of it can press
 * the button again.
 */
export function endAtSignOut(deps: WebDeps) {
  return async function endSignedOut(ctx: Context, next: Next): Promise<void> {
    requestState(ctx).endSignedOut = (what) => endSessionOrApp(deps, ctx, what);
    await next();
  };
}

async function endSessionOrApp(deps: WebDeps, ctx: Context, what: 'session' | 'app'): Promise<void> {
  const { session, client, route } = ctx.oidc;
  // Members of ours (oidc/engine-overrides.ts) and of the engine.
  const { deviceSessionId, state } = (session ?? {}) as { deviceSessionId?: SessionId; state?: object };
  if (route !== 'end_session_confirm' || deviceSessionId === undefined) return;

  if (what === 'session') {
    await endSession(deps.sessions, deviceSessionId, { reason: 'signed_out', by: deviceSessionId });
  } else if (client && state === undefined) {
    // The engine knows the app and forgets the form once that was found to be genuine.
    await endAppOf(deps, deviceSessionId, client.clientId);
  }
}

async function endAppOf(deps: WebDeps, sessionId: SessionId, clientId: string): Promise<void> {
  const session = await deps.store.get(deviceSessions, sessionId);
  const found = session && liveApps(session).find(([, app]) => app.clientId === clientId);
  if (!found) return;

  await endApp(deps.sessions, { sessionId, appNumber: found[0] }, { reason: 'signed_out', by: sessionId });
}
