// QR sign-in for apps (direction map): one row per endpoint. No answer may be stored by anybody on its way.
import type { Context } from 'koa';
import type { Route } from '../route.ts';
import type { WebDeps } from '../web-deps.ts';
import { answerPreflight } from './qr-cors.ts';
import { deleteTransaction, showTransaction, streamTransaction } from './qr-following.ts';
import { approve, deny, scan } from './qr-granting.ts';
import { createTransaction } from './qr-opening.ts';

type Handler = (deps: WebDeps, ctx: Context) => Promise<void> | void;

const table: readonly (readonly [Route['method'], path: string, Handler])[] = [
  ['POST', '/api/qr/transactions', createTransaction],
  ['GET', '/api/qr/transactions/:id', showTransaction],
  ['GET', '/api/qr/transactions/:id/events', streamTransaction],
  ['DELETE', '/api/qr/transactions/:id', deleteTransaction],
  ['POST', '/api/qr/scan', scan],
  ['POST', '/api/qr/approve', approve],
  ['POST', '/api/qr/deny', deny],
  ['OPTIONS', '/api/qr/transactions', (_deps, ctx) => answerPreflight(ctx)],
  ['OPTIONS', '/api/qr/transactions/:id', (_deps, ctx) => answerPreflight(ctx)],
  ['OPTIONS', '/api/qr/transactions/:id/events', (_deps, ctx) => answerPreflight(ctx)],
];

export function qrApiRoutes(deps: WebDeps): Route[] {
  return table.map(([method, path, handler]) => ({
    method,
    path,
    handler: (ctx) => {
      ctx.set('cache-control', 'no-store');
      return handler(deps, ctx);
    },
  }));
}
