// What the matrix is made of.
import { type Language, languages } from '../../../src/web/languages.ts';
import type { Theme } from '../visitor.ts';

export interface Cell {
  theme: Theme;
  language: Language;
  width: number;
}

export const DESK = 1280;
export const PHONE = 375;

const themes: readonly Theme[] = ['light', 'dark'];

export const cells: readonly Cell[] = themes.flatMap((theme) =>
  languages.flatMap((language) => [DESK, PHONE].map((width) => ({ theme, language, width }))),
);
