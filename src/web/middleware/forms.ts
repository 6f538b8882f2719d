// Reads posted forms and JSON bodies of our own routes, up to the configured size. The engine reads its own
// and must come before any parser has touched the request, so this runs on our routes only.
import { bodyParser } from '@koa/bodyparser';
import type { Context, Middleware, Next } from 'koa';
import { DomainError } from '../../core/errors.ts';
import { webState } from '../web-state.ts';

export function readForms(bodyBytes: number): Middleware {
  const parse = bodyParser({
    enableTypes: ['form', 'json'],
    formLimit: bodyBytes,
    jsonLimit: bodyBytes,
    onError: (error) => {
      throw tooLarge(error) ? new DomainError('payload_too_large') : new DomainError('invalid_request');
    },
  });

  return async function readForm(ctx: Context, next: Next): Promise<void> {
    await parse(ctx, async () => undefined);
    if (ctx.is('application/x-www-form-urlencoded')) {
      webState(ctx).form = new URLSearchParams(ctx.request.rawBody ?? '');
    }
    await next();
  };
}

function tooLarge(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'status' in error && error.status === 413;
}
