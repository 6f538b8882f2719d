// Requests that anybody may begin a sign-in with, without showing who they are. Each leaves a record behind until
// its time is over, so one network can only begin so many in a minute (I12).
import type { Context, Next } from 'koa';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../core/clock.ts';
import { DomainError } from '../../core/errors.ts';
import { networkPrefix } from '../../protection/address.ts';
import { createLimiter } from '../../protection/limiter.ts';
import { webState } from '../web-state.ts';

const MINUTE_MS = 60_000;
/** As the engine's router takes them. What goes on with a sign-in has a longer path and is not counted. */
const BEGINNING = /^\/(authorize|par|device\/authorize)\/?$/i;

export function authorizationBudget({ config, clock }: { config: Pick<Config, 'limits'>; clock: Clock }) {
  const rule = { limit: config.limits.authorizationsPerMinute, windowMs: MINUTE_MS };
  const limiter = createLimiter({ rule, clock });

  return async function takeFromBudget(ctx: Context, next: Next): Promise<void> {
    if (!BEGINNING.test(ctx.path)) return next();

    const outcome = limiter.take(networkPrefix(webState(ctx).address));
    if (outcome.kind === 'limited') {
      throw new DomainError('rate_limited', { retryAfterSeconds: outcome.retryAfterSeconds });
    }
    await next();
  };
}
