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
    ...(ctx.method === 'GET' && { languageLinks: linksTo(ctx) }),
  });
}

/** Only the path: the query may carry what must not be in a link. */
function linksTo(ctx: Context): Record<Language, string> {
  const links = languages.map((language) => [language, `${ctx.path}?lang=${language}`]);
  return Object.fromEntries(links) as Record<Language, string>;
}

/** The page of an app's request: its name and logo as registered. */
export function clientCard(
  metadata: { client_name?: string | undefined; logo_uri?: string | undefined } | undefined,
  clientId: string,
): { name: string } {
  return { name: metadata?.client_name ?? clientId };
}
