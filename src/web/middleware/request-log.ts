// One line a request, after it is answered: the route's pattern, never the path or the query, since a path
// can name a sign-in that is under way (I7).
import type { Socket } from 'node:net';
import type { Context, Next } from 'koa';
import { randomToken } from '../../core/secrets.ts';
import { clientAddress, type TrustedProxies } from '../../protection/address.ts';
import type { WebDeps } from '../web-deps.ts';
import { webState } from '../web-state.ts';

const REQUEST_ID_BYTES = 9;

export function requestLog(deps: Pick<WebDeps, 'clock' | 'log' | 'trustedProxies'>) {
  const addressOf = addressFinder(deps.trustedProxies);

  return async function logRequest(ctx: Context, next: Next): Promise<void> {
    const state = webState(ctx);
    const startedAt = deps.clock.now();
    state.requestId = randomToken(REQUEST_ID_BYTES);
    state.address = addressOf(ctx);
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

/** A connection that no proxy speaks for has one address, however many requests come over it. */
function addressFinder(trusted: TrustedProxies) {
  const ofPeers = new WeakMap<Socket, string>();

  return function addressOf(ctx: Context): string {
    const { socket } = ctx.req;
    const peer = socket.remoteAddress ?? '';
    const forwardedFor = ctx.get('x-forwarded-for');
    if (forwardedFor !== '') return clientAddress({ peer, forwardedFor }, trusted);

    const address = ofPeers.get(socket) ?? clientAddress({ peer }, trusted);
    ofPeers.set(socket, address);
    return address;
  };
}
