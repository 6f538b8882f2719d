// A row of the table of routes.
import type { Context } from 'koa';

export interface Route {
  method: 'GET' | 'POST' | 'DELETE' | 'PATCH' | 'OPTIONS';
  /** A pattern of @koa/router; the log shows it instead of the path. */
  path: string;
  handler: (ctx: Context) => Promise<void> | void;
}
