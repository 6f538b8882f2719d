// The words of the pages, from locales/*.json, and what is said about time, lists, platforms and scopes in
// each language. EJS escapes what the views print, so the words are not escaped a second time here.
import { createInstance } from 'i18next';
import en from '../../locales/en.json' with { type: 'json' };
import zh from '../../locales/zh.json' with { type: 'json' };
import { type Language, languages, languageTags } from './languages.ts';

export interface Words {
  /** The words under a key, with `{{names}}` filled in. */
  t(key: string, values?: Readonly<Record<string, string | number>>): string;
  /** "3 minutes ago". */
  ago(ms: number): string;
  /** "Notes, Mail, Calendar". */
  listed(names: readonly string[]): string;
  /** What people call a platform; operators may name platforms that have no words here. */
  platform(name: string): string;
  /** What a scope means; APIs bring their own words, a scope without any is shown by its name. */
  scope(scope: { name: string; words?: string }): string;
}

export interface WordsOptions {
  /** Throw on a key without words, instead of showing the key. */
  strict: boolean;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function createWords(options: WordsOptions): Readonly<Record<Language, Words>> {
  const i18n = createInstance({
    resources: { en: { translation: en }, zh: { translation: zh } },
    supportedLngs: languages,
    fallbackLng: false,
    nsSeparator: false,
    interpolation: { escapeValue: false },
    initAsync: false,
    ...(options.strict && { parseMissingKeyHandler: refuseMissingKey }),
  });
  void i18n.init();

  function wordsIn(language: Language): Words {
    const t = i18n.getFixedT(language);
    const known = (key: string) => i18n.exists(key, { lng: language });
    const times = new Intl.RelativeTimeFormat(languageTags[language], { numeric: 'auto' });
    return {
      t: (key, values) => t(key, { ...values }),
      ago: (ms) => (ms < MINUTE ? t('common.just_now') : spaced(agoIn(times, ms))),
      listed: (names) => names.join(t('common.list_separator')),
      platform: (name) => (known(`platforms.${name}`) ? t(`platforms.${name}`) : name),
      scope: ({ name, words }) => words ?? (known(scopeKey(name)) ? t(scopeKey(name)) : name),
    };
  }

  return { en: wordsIn('en'), zh: wordsIn('zh') };
}

function agoIn(times: Intl.RelativeTimeFormat, ms: number): string {
  if (ms < HOUR) return times.format(-Math.floor(ms / MINUTE), 'minute');
  if (ms < DAY) return times.format(-Math.floor(ms / HOUR), 'hour');
  if (ms < 60 * DAY) return times.format(-Math.floor(ms / DAY), 'day');

  return times.format(-Math.floor(ms / (30 * DAY)), 'month');
}

/** Sets digits off from the Chinese characters that follow them, as all of our Chinese does. */
function spaced(text: string): string {
  return text.replace(/(\d)(?=\p{Script=Han})/gu, '$1 ');
}

/** Scopes may hold dots and colons, which i18next would read as a path. */
function scopeKey(name: string): string {
  return `scopes.${name.replace(/[^a-z_]/g, '_')}`;
}

function refuseMissingKey(key: string): never {
  throw new Error(`The locales have no words for ${key}.`);
}
