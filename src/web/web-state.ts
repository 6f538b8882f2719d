// What the middleware has found out about a request, kept on Koa's `ctx.state`.
import type { Context } from 'koa';
import type { DeviceSession } from '../sessions/device-session.ts';
import type { Language } from './languages.ts';

export interface WebState {
  /** Names this request in the log and on error pages. */
  requestId: string;
  /** The client's address as far as trusted proxies tell. */
  address: string;
  /** Of the pages. */
  language(): Language;
  /** The secret of the browser's long-lived cookie; made when first needed. */
  browserSecret?: string;
  /** The route's pattern: what the log shows instead of a path that may name a sign-in. */
  route?: string;
  /** The form that was posted. */
  form?: URLSearchParams;
  /** For the JSON API: whose bearer token it was. */
  bearer?: { session: DeviceSession; scopes: Set<string>; clientId: string };
}

export function webState(ctx: Pick<Context, 'state'>): WebState {
  // Koa types `state` as any; this is the one place that says what the web layer keeps there.
  return ctx.state as WebState;
}
