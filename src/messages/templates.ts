// The texts of our mails, by language, from `locales/mail.*.json`. Plain text only: nothing to escape, nothing
// to load, and it reads the same everywhere.
import { createInstance } from 'i18next';
import en from '../../locales/mail.en.json' with { type: 'json' };
import zh from '../../locales/mail.zh.json' with { type: 'json' };
import type { Mail } from './mail.ts';

export type MailLanguage = 'en' | 'zh';

/** What each mail is filled in with. Values are our own (names, codes, links of the configuration). */
export type MailContent =
  | { readonly kind: 'signUpCode'; readonly brand: string; readonly code: string; readonly minutes: number }
  | { readonly kind: 'signUpKnown'; readonly brand: string; readonly signInUrl: string };

const texts = createInstance({
  resources: { en: { mail: en }, zh: { mail: zh } },
  ns: 'mail',
  defaultNS: 'mail',
  fallbackLng: 'en',
  initAsync: false,
  interpolation: { escapeValue: false },
});
await texts.init();

export function composeMail(to: string, language: MailLanguage, content: MailContent): Mail {
  const { kind, ...values } = content;
  const translate = texts.getFixedT(language, 'mail', kind);
  return { to, subject: translate('subject', values), text: translate('text', values) };
}
