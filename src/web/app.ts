// The web application: its middleware as one list, from the outermost inwards, and the protocol engine at
// the end of it.
import Router from '@koa/router';
import Koa, { type Context, type Middleware, type Next } from 'koa';
import { cookieSigner } from '../oidc/cookie-signer.ts';
import { structuredTokens } from '../oidc/introspection.ts';
import { nativeRequests } from '../oidc/native-requests.ts';
import { cookieNames, protocolPaths } from '../oidc/settings.ts';
import { authorizationBudget } from './middleware/authorization-budget.ts';
import {
  askBackLater,
  endAtSignOut,
  userCodeGuesses,
  userCodeInAddress,
} from './middleware/engine-answers.ts';
import { failures } from './middleware/failures.ts';
import { readForms } from './middleware/forms.ts';
import { language } from './middleware/language.ts';
import { refuseLargeBodies, takeInRest } from './middleware/request-bodies.ts';
import { requestLog } from './middleware/request-log.ts';
import { readableTarget } from './middleware/request-target.ts';
import { securityHeaders } from './middleware/security-headers.ts';
import { staticFiles } from './middleware/static-files.ts';
import type { Route } from './route.ts';
import { routes } from './routes.ts';
import type { WebDeps } from './web-deps.ts';
import { webState } from './web-state.ts';

/** `more` are routes of other parts of the program: health, metrics. */
export function createApp(deps: WebDeps, more: readonly Route[]): Koa {
  const app = new Koa();
  pinAddresses(app, deps.config.issuer);
  // The engine signs its cookies through the application that it runs in.
  app.keys = cookieSigner(deps.keyring);
  const middleware: Middleware[] = [
    requestLog(deps),
    securityHeaders(deps.config),
    takeInRest,
    readableTarget,
    language(deps.config),
    failures(deps),
    staticFiles({ playground: deps.config.playground }),
    ownRoutes(deps, more),
    refuseLargeBodies(deps.config.limits.bodyBytes),
    askBackLater,
    authorizationBudget(deps),
    userCodeInAddress,
    userCodeGuesses(deps),
    endAtSignOut(deps),
    structuredTokens(deps),
    native(deps),
    engine(deps),
  ];
  for (const each of middleware) app.use(each);
  app.on('error', (err) => reportFailedResponse(deps, err));
  return app;
}

/** A connection that broke off, or a body that is no HTTP: whoever sends that must not fill the error log. */
const faultOfConnection = /^(HPE_|ECONN|EPIPE$|ERR_STREAM_PREMATURE_CLOSE$|ERR_HTTP_REQUEST_TIMEOUT$)/;

function reportFailedResponse({ log }: Pick<WebDeps, 'log'>, err: unknown): void {
  const code = typeof err === 'object' && err !== null && 'code' in err ? String(err.code) : '';
  if (faultOfConnection.test(code)) log.debug({ err }, 'a connection broke off');
  else log.error({ err }, 'a response failed');
}

/** Host and scheme are the issuer's, whatever a request says they are (I11). */
function pinAddresses(app: Koa, issuer: string): void {
  const { host, protocol } = new URL(issuer);
  Object.defineProperty(app.request, 'host', { get: () => host });
  Object.defineProperty(app.request, 'protocol', { get: () => protocol.slice(0, -1) });
}

function ownRoutes(deps: WebDeps, more: readonly Route[]): Middleware {
  const router = new Router();
  const readForm = readForms(deps.config.limits.bodyBytes);
  for (const { method, path, handler } of [...routes(deps), ...more]) {
    router.register(
      path,
      [method],
      [
        async (ctx: Context, next: Next) => {
          webState(ctx).route = path;
          await (method === 'GET' ? next() : readForm(ctx, next));
        },
        async (ctx: Context) => handler(ctx),
      ],
    );
  }
  const run = router.routes() as unknown as Middleware;
  const others = new Set<string>(Object.values(protocolPaths));
  // Most requests are the engine's; they need not be held against every route of ours.
  return (ctx, next) => (others.has(ctx.path) ? next() : run(ctx, next));
}

/** The engine may be another one at the next request, so it is asked for each time. */
function native(deps: WebDeps): Middleware {
  const cookie = { name: cookieNames(deps.config.issuer).native };
  return (ctx, next) => nativeRequests(deps.engine(), deps.clients, cookie)(ctx, next);
}

function engine(deps: WebDeps): Middleware {
  return async function runEngine(ctx: Context, next: Next): Promise<void> {
    const current = deps.engine();
    const [run] = current.middleware;
    await run?.(ctx, next);
  };
}
