// Signing in to pages of our own. They are an app like any other: `/sign-in` asks at `/authorize`, without a
// code (response type `none`), and the browser comes back signed in.
import type { Context } from 'koa';
import { DomainError } from '../../core/errors.ts';
import type { WebDeps } from '../web-deps.ts';

export const OWN_CLIENT_ID = 'strata';

/** Where signing in may lead: our own pages, nothing that a link could bring along. */
const returnPaths: ReadonlySet<string> = new Set(['/devices']);

export function startOwnSignIn(deps: WebDeps, ctx: Context): void {
  const returnTo = typeof ctx.query.return_to === 'string' ? ctx.query.return_to : '/devices';
  if (!returnPaths.has(returnTo)) throw new DomainError('invalid_request');

  const ask = new URL('/authorize', deps.config.issuer);
  ask.search = new URLSearchParams({
    client_id: OWN_CLIENT_ID,
    response_type: 'none',
    scope: 'openid',
    redirect_uri: `${deps.config.issuer}/signed-in`,
    state: returnTo,
  }).toString();
  ctx.status = 303;
  ctx.redirect(ask.pathname + ask.search);
}

export function finishOwnSignIn(_deps: WebDeps, ctx: Context): void {
  const returnTo = typeof ctx.query.state === 'string' ? ctx.query.state : '';
  ctx.status = 303;
  // Refused sign-ins come back with an error: there is nothing to show but where they started.
  ctx.redirect(ctx.query.error === undefined && returnPaths.has(returnTo) ? returnTo : '/signed-out');
}
