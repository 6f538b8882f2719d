// Showing a page: the view in the request's language, with links to the same page in the others.
import type { Context } from 'koa';
import type { Account } from '../../accounts/account.ts';
import type { Language } from '../languages.ts';
import { languages } from '../languages.ts';
import type { AccountCard, ClientCard, PageLinks, ViewContexts, ViewName } from '../views.ts';
import type { WebDeps } from '../web-deps.ts';
import { webState } from '../web-state.ts';
import { OWN_CLIENT_ID } from './own-sign-in.ts';

/**
 * Where asking again is not the same page: protocol endpoints answer to their query, and the last page of a
 * TV's code tells of what is done.
 */
const askedOnce = /^\/(authorize|logout|device\/.+)$/;

export function showPage<View extends ViewName>(
  deps: Pick<WebDeps, 'renderer'>,
  ctx: Context,
  view: View,
  context: ViewContexts[View] & PageLinks,
  status = 200,
): void {
  ctx.status = status;
  ctx.type = 'html';
  ctx.set('cache-control', 'no-store');
  ctx.set('vary', 'accept-language, cookie');
  ctx.body = deps.renderer.render(view, webState(ctx).language(), {
    ...(ctx.method === 'GET' && !askedOnce.test(ctx.path) && { languageLinks: linksInOtherLanguages() }),
    ...context,
  });
}

/**
 * The same path under another query: the present one may carry what must not be in a link, and a path that
 * begins with two slashes would be another host. `kept`: what the page cannot do without.
 */
export function linksInOtherLanguages(kept: Record<string, string> = {}): Record<Language, string> {
  const links = languages.map((lang) => [lang, `?${new URLSearchParams({ ...kept, lang })}`]);
  return Object.fromEntries(links) as Record<Language, string>;
}

/** The page of an app's request: its name as registered. */
export function clientCard(
  metadata: { client_name?: string | undefined } | undefined,
  clientId: string,
): ClientCard {
  return { name: metadata?.client_name ?? clientId };
}

/** The app that asks. Our own pages are none: the brand stands at the top already. */
export function askingApp(client: { id: string; metadata: { client_name?: string | undefined } }): {
  client?: ClientCard;
} {
  return client.id === OWN_CLIENT_ID ? {} : { client: clientCard(client.metadata, client.id) };
}

export function accountCard(account: Account): AccountCard {
  return { label: account.email ?? account.name };
}
