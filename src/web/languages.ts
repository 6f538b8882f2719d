// The languages of the pages and how one is chosen for a request: what the app asked for (`ui_locales`,
// OpenID Connect Core §3.1.2.1), else what the person chose with the switch, else what the browser prefers.

export const languages = ['en', 'zh'] as const;

export type Language = (typeof languages)[number];

export const defaultLanguage: Language = 'en';

/** The value of the `lang` attribute: the pages' Chinese is written in simplified characters. */
export const languageTags: Readonly<Record<Language, string>> = { en: 'en', zh: 'zh-Hans' };

/** Each language in its own words, for the switch. */
export const languageNames: Readonly<Record<Language, string>> = { en: 'English', zh: '中文' };

/** Longer lists than this come from no browser; the rest is not looked at (I12). */
const LIST_MAX = 32;

export interface LanguageWishes {
  /** Language tags in order of preference, separated by spaces. */
  uiLocales?: string | undefined;
  /** What the person chose with the switch, as kept in our cookie. */
  chosen?: string | undefined;
  /** The request's header of that name (RFC 9110 §12.5.4). */
  acceptLanguage?: string | undefined;
}

export function chooseLanguage(wishes: LanguageWishes): Language {
  return (
    firstSpoken((wishes.uiLocales ?? '').split(' ', LIST_MAX)) ??
    firstSpoken([wishes.chosen ?? '']) ??
    firstSpoken(byPreference(wishes.acceptLanguage ?? '')) ??
    defaultLanguage
  );
}

export function isLanguage(value: unknown): value is Language {
  return languages.some((language) => language === value);
}

/** The first tag whose primary subtag is one of our languages: `zh-TW` reads Chinese rather than English. */
function firstSpoken(tags: readonly string[]): Language | undefined {
  for (const tag of tags) {
    const primary = tag.trim().toLowerCase().split('-', 1)[0];
    if (isLanguage(primary)) return primary;
  }
  return undefined;
}

function byPreference(header: string): string[] {
  return header
    .split(',', LIST_MAX)
    .map(weighted)
    .filter(({ weight }) => weight > 0)
    .sort((one, other) => other.weight - one.weight)
    .map(({ tag }) => tag);
}

function weighted(range: string): { tag: string; weight: number } {
  const [tag = '', ...parameters] = range.split(';');
  const quality = parameters.map((parameter) => parameter.trim()).find((parameter) => /^q=/i.test(parameter));
  const weight = quality === undefined ? 1 : Number.parseFloat(quality.slice(2));
  return { tag, weight: Number.isNaN(weight) ? 0 : weight };
}
