// Showing a page: the view in the request's language, with links to the same page in the others.
import type { Context } from 'koa';
import type { Language } from '../languages.ts';
import { languages } from '../languages.ts';
import type { ViewContexts, ViewName } from '../views.ts';
import type { WebDeps } from '../web-deps.ts';
import { webState } from '../web-state.ts';

export function showPage<View extends ViewName>(
  deps: Pick<WebDeps, 'renderer'>,
  ctx: Context,
  view: View,
  context: ViewContexts[View],
  status = 200,
): void {
  ctx.status = status;
  ctx.type = 'html';
  ctx.set('cache-control', 'no-store');
  ctx.set('vary', 'accept-language, cookie');
  ctx.body = deps.renderer.render(view, webState(ctx).language(), {
    ...context,
    ...(ctx.method === 'GET' && { languageLinks: linksInOtherLanguages() }),
  });
}

/**
 * The same path under another query: the present one may carry what must not be in a link, and a path that
 * begins with two slashes would be another host.
 */
function linksInOtherLanguages(): Record<Language, string> {
  const links = languages.map((language) => [language, `?lang=${language}`]);
  return Object.fromEntries(links) as Record<Language, string>;
}

/** The page of an app's request: its name and logo as registered. */
export function clientCard(
  metadata: { client_name?: string | undefined; logo_uri?: string | undefined } | undefined,
  clientId: string,
): { name: string } {
  return { name: metadata?.client_name ?? clientId };
}
