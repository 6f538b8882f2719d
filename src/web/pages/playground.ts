// The playground of the development profile: an app for a PC and one for a phone that are clients like any
// other, a page that shows both side by side, and the API that they call. What the apps do happens in the
// browser (public/playground); here are their pages and the API.
import type { Context } from 'koa';
import { ownApi, playgroundApi } from '../../oidc/apis.ts';
import type { EndReason } from '../../sessions/device-session.ts';
import { playgroundWords } from '../playground-words.ts';
import type { Route } from '../route.ts';
import type { PlaygroundContext, PlaygroundPane } from '../views.ts';
import type { WebDeps } from '../web-deps.ts';
import { webState } from '../web-state.ts';
import { showPage } from './page.ts';

export type PlaygroundDeps = Pick<WebDeps, 'config' | 'renderer' | 'tokens' | 'demoAccount'>;

const HELLO_SCOPE = 'hello';

/** The clients that the development profile is seeded with, and the platform whose lifetimes theirs are. */
const panes = {
  pc: { clientId: 'playground-pc', platform: 'web' },
  phone: { clientId: 'playground-phone', platform: 'ios' },
} as const;

export function playgroundRoutes(deps: PlaygroundDeps): Route[] {
  return [
    { method: 'GET', path: '/', handler: (ctx) => showPlayground(deps, ctx) },
    { method: 'GET', path: '/playground/pc', handler: (ctx) => showPane(deps, ctx, 'pc') },
    { method: 'GET', path: '/playground/phone', handler: (ctx) => showPane(deps, ctx, 'phone') },
    { method: 'GET', path: '/playground/api/hello', handler: (ctx) => sayHello(deps, ctx) },
  ];
}

function showPlayground(deps: PlaygroundDeps, ctx: Context): void {
  showPage(deps, ctx, 'playground', {
    ...playgroundContext(deps, ctx),
    ...(deps.demoAccount && { demoAccount: deps.demoAccount }),
  });
}

function showPane(deps: PlaygroundDeps, ctx: Context, pane: PlaygroundPane): void {
  showPage(deps, ctx, 'playground-pane', { ...playgroundContext(deps, ctx), pane });
}

function playgroundContext(deps: PlaygroundDeps, ctx: Context): PlaygroundContext {
  const words = playgroundWords[webState(ctx).language()];
  return {
    words,
    scriptWords: JSON.stringify(words.script),
    settings: JSON.stringify(scriptSettings(deps.config)),
  };
}

/** What the scripts must know of this server beyond its discovery document. Durations in ms. */
function scriptSettings({ issuer, platforms, sessions, qr }: PlaygroundDeps['config']) {
  const apps = Object.entries(panes).map(([pane, { clientId, platform }]) => [
    pane,
    { clientId, idleMs: platforms[platform]?.idle ?? null },
  ]);
  return {
    issuer,
    apps: Object.fromEntries(apps),
    helloApi: playgroundApi(issuer),
    ownApi: ownApi(issuer),
    refreshWindowMs: sessions.refreshWindow,
    // A code is accepted for its own generation and the next one (I6).
    qrCodeMs: 2 * qr.rotateEvery,
  };
}

/** The demo API. Unlike one that checks JWTs alone, it asks the session each time, so an end is felt at once. */
async function sayHello(deps: PlaygroundDeps, ctx: Context): Promise<void> {
  ctx.set('cache-control', 'no-store');
  const [, token] = /^Bearer ([\w.~+/=-]+)$/i.exec(ctx.get('authorization')) ?? [];
  if (token === undefined) return refuse(ctx, 401, 'sign_in_required');

  const judgement = await deps.tokens.judge(token);
  if (judgement.kind === 'ended') return refuse(ctx, 401, 'invalid_token', judgement.end?.reason);
  if (judgement.kind === 'unknown') return refuse(ctx, 401, 'invalid_token');

  const { aud, cnf, scope = '', sub, sid, platform } = judgement.claims;
  const isOurs = aud === playgroundApi(deps.config.issuer) && cnf === undefined;
  if (!isOurs) return refuse(ctx, 401, 'invalid_token');
  if (!scope.split(' ').includes(HELLO_SCOPE)) return refuse(ctx, 403, 'insufficient_scope');

  ctx.body = { hello: 'Hello from the demo API.', sub, platform, sid };
}

/** As RFC 6750 §3 says it, and why, where a genuine token's session has ended. */
function refuse(ctx: Context, status: 401 | 403, error: string, reason?: EndReason): void {
  ctx.status = status;
  ctx.set('www-authenticate', error === 'sign_in_required' ? 'Bearer' : `Bearer error="${error}"`);
  ctx.body = { error, ...(reason && { error_reason: reason }) };
}
