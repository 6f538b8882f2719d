// One line a request, after it is answered: the route's pattern, never the path or the query, since a path
// can name a sign-in that is under way (I7).
import type { Context, Next } from 'koa';
import { randomToken } from '../../core/secrets.ts';
import { clientAddress } from '../../protection/address.ts';
import type { WebDeps } from '../web-deps.ts';
import { webState } from '../web-state.ts';

const REQUEST_ID_BYTES = 9;

export function requestLog(deps: Pick<WebDeps, 'clock' | 'log' | 'trustedProxies'>) {
  return async function logRequest(ctx: Context, next: Next): Promise<void> {
    const state = webState(ctx);
    const startedAt = deps.clock.now();
    const forwardedFor = ctx.get('x-forwarded-for');
    state.requestId = randomToken(REQUEST_ID_BYTES);
    state.address = clientAddress(
      { peer: ctx.req.socket.remoteAddress ?? '', ...(forwardedFor !== '' && { forwardedFor }) },
      deps.trustedProxies,
    );
    await next();
    const facts = {
      id: state.requestId,
      method: ctx.method,
      route: ctx.oidc?.route ?? state.route ?? 'none',
      status: ctx.status,
      ms: deps.clock.now() - startedAt,
    };
    deps.log.info(facts, 'request');
  };
}
