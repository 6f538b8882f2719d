// The files under public/. Pages name them with a digest of their content, so those may be kept for ever; with
// any other digest they are what a cache must ask about again, or it would keep what somebody made it keep.
import { fileURLToPath } from 'node:url';
import type { Context, Middleware, Next } from 'koa';
import serve from 'koa-static';
import { createAssetVersions } from '../assets.ts';
import { webState } from '../web-state.ts';

const publicFolder = fileURLToPath(new URL('../../../public/', import.meta.url));
const FOR_EVER = 'public, max-age=31536000, immutable';

/**
 * The one spelling of a file's address that is served: no escapes and no dots between slashes, so that what is
 * hidden under one spelling is not found under another.
 */
const plainPath = /^(?:\/[\w-]+)+\.[a-z]{2,5}$/;

export function staticFiles(options: { playground: boolean }): Middleware {
  const files = serve(publicFolder, { index: false, hidden: false });
  const versionOf = createAssetVersions();

  return async function serveFile(ctx: Context, next: Next): Promise<void> {
    // In any case, as some file systems take it.
    const isHidden = !options.playground && /^\/playground\//i.test(ctx.path);
    if (isHidden || !plainPath.test(ctx.path)) return next();

    webState(ctx).route = 'static file';
    await files(ctx, async () => undefined);
    if (ctx.body === undefined || ctx.body === null) return next();

    const isCurrent = typeof ctx.query.v === 'string' && ctx.query.v === versionOf(ctx.path.slice(1));
    ctx.set('cache-control', isCurrent ? FOR_EVER : 'no-cache');
  };
}
