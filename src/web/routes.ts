// Every route that is ours, one row each. The protocol's own paths are the engine's (oidc/settings.ts).
import type { Context } from 'koa';
import { qrApiRoutes } from './api/qr.ts';
import { deleteSession, listSessions } from './api/sessions.ts';
import { findInteraction } from './interaction.ts';
import { postConsent, showConsent } from './pages/consent.ts';
import { postEndDevice, postEndOtherDevices, showDevices } from './pages/devices.ts';
import { showOutbox } from './pages/outbox.ts';
import { finishOwnSignIn, startOwnSignIn } from './pages/own-sign-in.ts';
import { showPage } from './pages/page.ts';
import { playgroundRoutes } from './pages/playground.ts';
import { qrPageRoutes } from './pages/qr.ts';
import { cancelInteraction, postSignIn, showSignIn } from './pages/sign-in.ts';
import { postSignUp, postSignUpConfirm, showSignUp } from './pages/sign-up.ts';
import type { Route } from './route.ts';
import type { WebDeps } from './web-deps.ts';

type Handler = (deps: WebDeps, ctx: Context) => Promise<void> | void;

export function routes(deps: WebDeps): Route[] {
  const table: [Route['method'], path: string, Handler][] = [
    ['GET', '/interaction/:uid', showInteraction],
    ['GET', '/interaction/:uid/sign-in', showSignIn],
    ['POST', '/interaction/:uid/sign-in', postSignIn],
    ['GET', '/interaction/:uid/sign-up', showSignUp],
    ['POST', '/interaction/:uid/sign-up', postSignUp],
    ['POST', '/interaction/:uid/sign-up/confirm', postSignUpConfirm],
    ['GET', '/interaction/:uid/consent', showConsent],
    ['POST', '/interaction/:uid/consent', postConsent],
    ['POST', '/interaction/:uid/cancel', cancelInteraction],
    ['GET', '/sign-in', startOwnSignIn],
    ['GET', '/signed-in', finishOwnSignIn],
    ['GET', '/signed-out', (_deps, ctx) => showPage(deps, ctx, 'signed-out', { signInUrl: '/sign-in' })],
    ['GET', '/devices', showDevices],
    ['POST', '/devices/sign-out-others', postEndOtherDevices],
    ['POST', '/devices/:id/sign-out', postEndDevice],
    ['GET', '/api/sessions', listSessions],
    ['DELETE', '/api/sessions/:id', deleteSession],
  ];
  if (deps.outbox) table.push(['GET', '/outbox', showOutbox]);

  return [
    ...table.map(([method, path, handler]) => ({
      method,
      path,
      handler: (ctx: Context) => handler(deps, ctx),
    })),
    ...qrPageRoutes(deps),
    ...qrApiRoutes(deps),
    ...(deps.config.playground ? playgroundRoutes(deps) : []),
  ];
}

/** The page of whatever the request waits for. */
async function showInteraction(deps: WebDeps, ctx: Context): Promise<void> {
  const { uid, prompt } = await findInteraction(deps, ctx);
  ctx.status = 303;
  ctx.redirect(`/interaction/${uid}/${prompt.name === 'consent' ? 'consent' : 'sign-in'}`);
}
