// QR sign-in for apps in other origins. Cookies are never let across (no `Allow-Credentials`): such an app
// shows its client id and a code challenge, later its poll secret, both of which it must already have.
import type { Context } from 'koa';
import type { ClientRecord } from '../../clients/client.ts';

const PREFLIGHT_SECONDS = '600';

/** Which client asks is in the body that follows, so a preflight is granted to every origin. */
export function answerPreflight(ctx: Context): void {
  ctx.status = 204;
  allowOrigin(ctx);
  ctx.set({
    'access-control-allow-methods': 'GET, POST, DELETE',
    'access-control-allow-headers': 'authorization, content-type, if-none-match, last-event-id',
    'access-control-max-age': PREFLIGHT_SECONDS,
  });
}

/** Lets the page that asks read the answer. For answers that no cookie had a part in. */
export function allowOrigin(ctx: Context): void {
  const origin = ctx.get('origin');
  ctx.vary('origin');
  if (origin === '') return;

  ctx.set('access-control-allow-origin', origin);
  ctx.set('access-control-expose-headers', 'etag, retry-after');
}

/** A client's pages live where it is redirected to, and where its registration says besides. */
export function allowClientOrigin(ctx: Context, { metadata }: Pick<ClientRecord, 'metadata'>): void {
  const origin = ctx.get('origin');
  const redirects = metadata.redirect_uris ?? [];
  const isListed = metadata.allowed_origins?.includes(origin) ?? false;
  // Sandboxed pages say `null`, and so do addresses of a scheme of their own: they have nothing in common.
  const isOwn = origin !== 'null' && redirects.some((uri) => URL.parse(uri)?.origin === origin);
  if (isListed || isOwn) allowOrigin(ctx);
}
