// The two languages say the same things, and the views ask for nothing else.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import en from '../../../locales/en.json' with { type: 'json' };
import zh from '../../../locales/zh.json' with { type: 'json' };
import { errorStatus } from '../../../src/core/errors.ts';
import { endReasons } from '../../../src/sessions/device-session.ts';

const root = new URL('../../../', import.meta.url);
const english = flattened(en);
const chinese = flattened(zh);

describe('locales', () => {
  it('have the same keys in both languages', () => {
    expect([...chinese.keys()]).toEqual([...english.keys()]);
  });

  it.each([...english.keys()])('fill the same names into %s', (key) => {
    expect(namesIn(chinese.get(key))).toEqual(namesIn(english.get(key)));
  });

  it('are written in their own language', () => {
    const borrowed = [...chinese].filter(
      ([key, text]) => !/[\p{Script=Han}，、。]/u.test(text) && !isName(key),
    );
    const strayed = [...english].filter(([, text]) => /\p{Script=Han}/u.test(text));

    expect(borrowed).toEqual([]);
    expect(strayed).toEqual([]);
  });

  it.each(endReasons)('tell in words what it means that a session ended: %s', (reason) => {
    expect(english.has(`ended.${reason}.title`) && english.has(`ended.${reason}.words`)).toBe(true);
  });

  it.each(Object.keys(errorStatus))('tell in words what it means that a request was refused: %s', (code) => {
    expect(english.has(`errors.${code}.title`) && english.has(`errors.${code}.words`)).toBe(true);
  });

  it('hold every key that a view asks for, and none that nothing asks for', () => {
    const asked = keysAskedFor();
    const unknown = asked.literal.filter((key) => !english.has(key));
    const unused = [...english.keys()].filter(
      (key) => !asked.literal.includes(key) && !asked.patterns.some((pattern) => pattern.test(key)),
    );

    expect(unknown).toEqual([]);
    expect(unused).toEqual([]);
  });

  it('blame nobody', () => {
    const blaming = [...english].filter(([, text]) => /\binvalid\b|\billegal\b|\byou failed\b/i.test(text));

    expect(blaming).toEqual([]);
  });
});

function flattened(tree: object, path = ''): Map<string, string> {
  return new Map(
    Object.entries(tree).flatMap(([key, value]: [string, unknown]) =>
      typeof value === 'string'
        ? [[path + key, value] as const]
        : [...flattened(value as object, `${path}${key}.`)],
    ),
  );
}

function namesIn(text: string | undefined): string[] {
  return [...(text ?? '').matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name ?? '').sort();
}

/** Products keep their names in every language. */
function isName(key: string): boolean {
  return key.startsWith('platforms.');
}

/** The keys in calls of `t`: those written out, and patterns for those put together from parts. */
function keysAskedFor(): { literal: string[]; patterns: RegExp[] } {
  const sources = [...sourcesIn('views/', '.ejs'), ...sourcesIn('src/web/', '.ts')].join('\n');
  const literal = [...sources.matchAll(/\bt\('([^']+)'/g)].map(([, key]) => key ?? '');
  const patterns = [...sources.matchAll(/`([a-z_]+\.[^`]*\$\{[^`]*)`/g)].map(([, template]) =>
    patternOf(template ?? ''),
  );
  return { literal, patterns };
}

function patternOf(template: string): RegExp {
  const parts = template.split(/\$\{[^}]*\}/).map((part) => part.replaceAll('.', '\\.'));
  return new RegExp(`^${parts.join('[^.]+')}$`);
}

function sourcesIn(folder: string, extension: string): string[] {
  return readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(extension))
    .map((file) => readFileSync(new URL(folder + file, root), 'utf8'));
}
