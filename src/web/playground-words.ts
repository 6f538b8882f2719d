// The words of the playground, from a file of its own: its scripts need them too, and no page that people
// meet in production has them.
import en from '../../locales/playground.en.json' with { type: 'json' };
import zh from '../../locales/playground.zh.json' with { type: 'json' };
import type { Language } from './languages.ts';

export type PlaygroundWords = typeof en;

export const playgroundWords: Readonly<Record<Language, PlaygroundWords>> = { en, zh };
