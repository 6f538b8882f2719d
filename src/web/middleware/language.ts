// Which language the pages of this request speak. `?lang=` is the switch at the foot of each page; it is
// remembered in a cookie.
import type { Context, Next } from 'koa';
import type { Config } from '../../config/schema.ts';
import { cookieNames } from '../../oidc/settings.ts';
import { chooseLanguage, isLanguage, type Language } from '../languages.ts';
import { webState } from '../web-state.ts';

const YEAR_MS = 365 * 86_400_000;

export function language(config: Pick<Config, 'issuer'>) {
  const name = cookieNames(config.issuer).language;
  const secure = config.issuer.startsWith('https:');

  return async function findLanguage(ctx: Context, next: Next): Promise<void> {
    const { lang, ui_locales: uiLocales } = ctx.query;
    if (isLanguage(lang)) {
      ctx.cookies.set(name, lang, {
        httpOnly: true,
        sameSite: 'lax',
        secure,
        maxAge: YEAR_MS,
        signed: false,
      });
    }
    let chosen: Language | undefined = isLanguage(lang) ? lang : undefined;
    // Most requests come from programs, to which nothing is said in any language.
    webState(ctx).language = () => {
      chosen ??= chooseLanguage({
        uiLocales: typeof uiLocales === 'string' ? uiLocales : undefined,
        chosen: ctx.cookies.get(name, { signed: false }),
        acceptLanguage: ctx.get('accept-language'),
      });
      return chosen;
    };
    await next();
  };
}
