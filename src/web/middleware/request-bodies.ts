// Bodies of requests, whoever reads them. One that says it is too large is refused before anything of it is
// read. Of one that was not read to its end the rest is taken in after the answer: on a connection that is kept,
// it would stand before the next request for ever.
import type { Context, Next } from 'koa';
import { DomainError } from '../../core/errors.ts';

/** How much the engine reads, and it has no setting for that. */
const ENGINE_BYTES = 56 * 1024;

export async function takeInRest(ctx: Context, next: Next): Promise<void> {
  const { req, res } = ctx;
  res.once('finish', () => {
    if (!req.complete) req.resume();
  });
  await next();
}

/** For the engine's own routes: it would call a large body a malformed one. */
export function refuseLargeBodies(bodyBytes: number) {
  const most = Math.min(bodyBytes, ENGINE_BYTES);

  return async function refuseLargeBody(ctx: Context, next: Next): Promise<void> {
    if ((ctx.request.length ?? 0) > most) throw new DomainError('payload_too_large');

    await next();
  };
}
