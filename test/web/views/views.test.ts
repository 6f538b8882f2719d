// Every sample of every view, in every language: it renders, it is sound HTML, and it keeps to the content
// policy of the pages (no inline script or style, nothing from another host).
import { HtmlValidate } from 'html-validate';
import { describe, expect, it } from 'vitest';
import { type Language, languages } from '../../../src/web/languages.ts';
import { createRenderer } from '../../../src/web/render.ts';
import { everySample } from './samples.ts';

const renderer = createRenderer({ branding: { name: 'Strata' }, development: true });
const validator = new HtmlValidate({
  root: true,
  extends: ['html-validate:recommended', 'html-validate:a11y'],
  rules: {
    // The form takes the focus because signing in is the page's one task; a field in error takes it so that
    // a screen reader says what to mend.
    'no-autofocus': 'off',
    // Written by the template engine: where its lines end says nothing about the page.
    'no-trailing-whitespace': 'off',
    'attribute-boolean-style': 'off',
    'void-style': 'off',
    'doctype-style': 'off',
    'no-implicit-button-type': 'error',
    'no-inline-style': 'error',
    'require-csp-nonce': 'off',
    'require-sri': 'off',
    'long-title': 'off',
  },
});

const pages = everySample().flatMap((sample) => languages.map((language) => ({ ...sample, language })));

describe('views', () => {
  it.each(pages)('$view renders sound HTML: $name ($language)', async (page) => {
    const report = await validator.validateString(render(page));

    const complaints = report.results.flatMap((result) => result.messages);
    expect(complaints.map(({ ruleId, message, selector }) => `${ruleId}: ${message} (${selector})`)).toEqual(
      [],
    );
  });

  it.each(pages)('$view keeps to the content policy: $name ($language)', (page) => {
    const html = render(page);

    expect(html).not.toMatch(/<script(?![^>]*\bsrc="\/)/);
    expect(withoutValues(html)).not.toMatch(/<[^>]*\s(?:on\w+|style)=/);
    expect(html).not.toMatch(/<(?:link|script|img|iframe|object|embed)\b[^>]*(?:src|href)="(?:https?:)?\/\//);
  });

  it.each(pages)('$view says everything it was given words for: $name ($language)', (page) => {
    const html = render(page);

    expect(html).not.toContain('undefined');
    expect(html).not.toContain('[object Object]');
    if (!page.name.startsWith('hostile')) expect(html).not.toContain('{{');
  });

  it('prints what a person or an app typed, and never as markup', () => {
    for (const page of pages.filter(({ name }) => name === 'hostile')) {
      const html = render(page);
      expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
      expect(html).not.toContain('<script>alert');
      expect(html).not.toContain('<img src=x');
    }
  });
});

function withoutValues(html: string): string {
  return html.replace(/"[^"]*"/g, '""');
}

function render(page: (typeof pages)[number]): string {
  const languageLinks: Record<Language, string> = { en: '/page?lang=en', zh: '/page?lang=zh' };
  // A view and its own sample, which the compiler cannot tell from another view's.
  return renderer.render(page.view, page.language, { ...page.context, languageLinks } as never);
}
