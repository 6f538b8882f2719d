// The playground says the same in both languages, and its words are all needed.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import en from '../../locales/playground.en.json' with { type: 'json' };
import zh from '../../locales/playground.zh.json' with { type: 'json' };
import { endReasons } from '../../src/sessions/device-session.ts';

const root = new URL('../../', import.meta.url);
const english = flattened(en);
const chinese = flattened(zh);

/** Names, which are the same everywhere. */
const names = new Set(['pane.app_pc', 'pane.app_phone']);

describe('the words of the playground', () => {
  it('have the same keys in both languages', () => {
    expect([...chinese.keys()]).toEqual([...english.keys()]);
  });

  it.each([...english.keys()])('fill the same names into %s', (key) => {
    expect(placesIn(chinese.get(key))).toEqual(placesIn(english.get(key)));
  });

  it('are written in their own language', () => {
    const borrowed = [...chinese].filter(([key, text]) => !names.has(key) && !/\p{Script=Han}/u.test(text));
    const strayed = [...english].filter(([, text]) => /\p{Script=Han}/u.test(text));

    expect(borrowed).toEqual([]);
    expect(strayed).toEqual([]);
  });

  it('say what every end reason means', () => {
    expect(Object.keys(en.script.reasons)).toEqual([...endReasons, 'unknown']);
  });

  it.each(['sources', 'uses'] as const)('say about every kind of token: %s', (about) => {
    expect(Object.keys(en.script[about])).toEqual(Object.keys(en.script.kinds));
  });

  it('are all asked for, by a view or by a script', () => {
    const views = sourcesIn('views/', /^playground.*\.ejs$/);
    const scripts = sourcesIn('public/playground/', /\.js$/);
    const unused = [...english.keys()].filter((key) => !isInView(views, key) && !isInScript(scripts, key));

    expect(unused).toEqual([]);
  });
});

/** By its whole path, by a part of it that is looped over, or by the last name in a list or a choice. */
function isInView(views: string, key: string): boolean {
  if (key.startsWith('script.')) return false;
  const [group = '', ...rest] = key.split('.');
  const name = rest.at(-1) ?? '';
  const loopsOverAll =
    key.startsWith('shelf.layers.') && views.includes('Object.entries(page.words.shelf.layers)');
  return (
    loopsOverAll ||
    views.includes(`words.${key}`) ||
    (views.includes(`words.${group}[`) && views.includes(`'${name}'`))
  );
}

function isInScript(scripts: string, key: string): boolean {
  const [, group = '', name] = key.split('.');
  if (!key.startsWith('script.')) return false;
  if (name === undefined) return scripts.includes(`'${group}'`);

  const isOpenList = ['reasons', 'sources', 'uses', 'parts', 'panes'].includes(group);
  return scripts.includes(`\`${group}.\${`) && (isOpenList || scripts.includes(`'${name}'`));
}

function placesIn(text: string | undefined): string[] {
  return [...(text ?? '').matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '').sort();
}

function sourcesIn(folder: string, names: RegExp): string {
  const files = readdirSync(new URL(folder, root)).filter((name) => names.test(name));
  return files.map((name) => readFileSync(new URL(folder + name, root), 'utf8')).join('\n');
}

function flattened(tree: object, path = ''): Map<string, string> {
  return new Map(
    Object.entries(tree).flatMap(([key, value]: [string, unknown]) =>
      typeof value === 'string'
        ? [[path + key, value] as const]
        : [...flattened(value as object, `${path}${key}.`)],
    ),
  );
}
