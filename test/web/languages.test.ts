import { describe, expect, it } from 'vitest';
import { chooseLanguage, isLanguage, type LanguageWishes } from '../../src/web/languages.ts';

describe('chooseLanguage', () => {
  const cases: [sentence: string, wishes: LanguageWishes, expected: string][] = [
    ['is English where nothing is wished', {}, 'en'],
    ['follows the browser', { acceptLanguage: 'zh-CN,zh;q=0.9,en;q=0.8' }, 'zh'],
    ['follows the weights, not the order', { acceptLanguage: 'zh;q=0.3, en-GB;q=0.7' }, 'en'],
    ['passes over languages it does not speak', { acceptLanguage: 'fr, de;q=0.9, zh-TW;q=0.1' }, 'zh'],
    ['passes over what the browser refuses', { acceptLanguage: 'zh;q=0, fr' }, 'en'],
    ['passes over weights that are no numbers', { acceptLanguage: 'zh;q=high, en;q=0.1' }, 'en'],
    ['prefers the choice of the person to the browser', { chosen: 'zh', acceptLanguage: 'en' }, 'zh'],
    [
      'prefers the wish of the app to all else',
      { uiLocales: 'fr zh-Hans', chosen: 'en', acceptLanguage: 'en' },
      'zh',
    ],
    ['reads tags in any case', { uiLocales: 'ZH-hant' }, 'zh'],
    ['does not take a longer word for a language', { uiLocales: 'english', acceptLanguage: 'zhuang' }, 'en'],
    ['is not misled by names that every object has', { chosen: 'constructor' }, 'en'],
    [
      'looks at no more than the first tags of an endless list',
      { acceptLanguage: `${'fr,'.repeat(50_000)}zh` },
      'en',
    ],
  ];

  it.each(cases)('%s', (_sentence, wishes, expected) => {
    expect(chooseLanguage(wishes)).toBe(expected);
  });
});

describe('isLanguage', () => {
  it('knows the languages of the pages', () => {
    expect(isLanguage('zh')).toBe(true);
    expect(isLanguage('fr')).toBe(false);
    expect(isLanguage(undefined)).toBe(false);
  });
});
