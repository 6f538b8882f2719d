// The files under public/. Pages name them with a digest of their content, so those may be kept for ever.
import { fileURLToPath } from 'node:url';
import type { Context, Middleware, Next } from 'koa';
import serve from 'koa-static';
import { webState } from '../web-state.ts';

const publicFolder = fileURLToPath(new URL('../../../public/', import.meta.url));
const FOR_EVER = 'public, max-age=31536000, immutable';

export function staticFiles(options: { playground: boolean }): Middleware {
  const files = serve(publicFolder, { index: false, hidden: false });

  return async function serveFile(ctx: Context, next: Next): Promise<void> {
    const isHidden = !options.playground && ctx.path.startsWith('/playground/');
    if (isHidden || !/\.[a-z]{2,5}$/.test(ctx.path)) return next();

    webState(ctx).route = 'static file';
    await files(ctx, async () => undefined);
    if (ctx.body === undefined || ctx.body === null) return next();
    ctx.set('cache-control', typeof ctx.query.v === 'string' ? FOR_EVER : 'no-cache');
  };
}
