import { describe, expect, it } from 'vitest';
import en from '../../locales/mail.en.json' with { type: 'json' };
import zh from '../../locales/mail.zh.json' with { type: 'json' };
import { composeMail, type MailContent } from '../../src/messages/templates.ts';

const samples: MailContent[] = [
  { kind: 'signUpCode', brand: 'Book & Table <Ltd>', code: '12345678', minutes: 15 },
  { kind: 'signUpKnown', brand: 'Book & Table <Ltd>', signInUrl: 'https://id.example/sign-in?a=1&b=2' },
];

describe('composeMail', () => {
  it.each(
    samples.flatMap((content) => [
      ['en', content],
      ['zh', content],
    ]) as ['en' | 'zh', MailContent][],
  )('fills in everything, unescaped, in %s: %j', (language, content) => {
    const mail = composeMail('alice@example.com', language, content);

    expect(mail.to).toBe('alice@example.com');
    expect(mail.subject).toContain('Book & Table <Ltd>');
    expect(mail.subject).not.toMatch(/[\r\n]/);
    expect(`${mail.subject}${mail.text}`).not.toMatch(/\{\{|\}\}|undefined|&amp;/);
    for (const value of Object.values(content).slice(1)) expect(mail.text).toContain(String(value));
  });

  it('writes in the language asked for', () => {
    const [code] = samples;
    if (!code) throw new Error('no sample');

    expect(composeMail('a@b.example', 'en', code).text).toContain('Hello');
    expect(composeMail('a@b.example', 'zh', code).text).toContain('您好');
  });

  it('takes nothing in a value for an instruction', () => {
    const brand = '$t(signUpKnown.text) {{code}}';
    const mail = composeMail('a@b.example', 'en', {
      kind: 'signUpCode',
      brand,
      code: '87654321',
      minutes: 1,
    });

    expect(mail.subject).toBe(`${brand}: your sign-up code`);
  });
});

describe('the texts', () => {
  it('are the same in every language: keys and places to fill in', () => {
    expect(placesOf(zh)).toEqual(placesOf(en));
  });
});

function placesOf(texts: Record<string, { subject: string; text: string }>) {
  return Object.entries(texts).map(([key, { subject, text }]) => [key, places(subject), places(text)]);
}

function places(text: string): string[] {
  return [...new Set(text.match(/\{\{\w+\}\}/g))].sort();
}
