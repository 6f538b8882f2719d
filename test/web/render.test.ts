import { describe, expect, it } from 'vitest';
import { createRenderer } from '../../src/web/render.ts';

const signIn = { action: '/interaction/abc123/sign-in', csrf: 'csrf-value' };
const production = { branding: { name: 'Lantern' }, development: false };

describe('render', () => {
  it('names the operator and the language of the page', () => {
    const html = createRenderer(production).render('sign-in', 'zh', signIn);

    expect(html).toContain('<html lang="zh-Hans">');
    expect(html).toContain('<title>登录 · Lantern</title>');
  });

  it('shows the operator’s logo in place of the mark', () => {
    const branding = { name: 'Lantern', logoUrl: '/brand/lantern.svg' };
    const html = createRenderer({ ...production, branding }).render('sign-in', 'en', signIn);

    expect(html).toContain('src="/brand/lantern.svg"');
    expect(html).not.toContain('class="mark"');
  });

  it('puts files under the path of the issuer, with a digest that lets browsers keep them', () => {
    const html = createRenderer({ ...production, basePath: '/id' }).render('sign-in', 'en', signIn);

    expect(html).toMatch(/href="\/id\/theme\.css\?v=[0-9a-f]{12}"/);
    expect(html).toMatch(/src="\/id\/forms\.js\?v=[0-9a-f]{12}"/);
  });

  it('offers the languages where the page knows its address in them', () => {
    const renderer = createRenderer(production);
    const languageLinks = { en: '/sign-in?lang=en', zh: '/sign-in?lang=zh' };

    expect(renderer.render('sign-in', 'en', { ...signIn, languageLinks })).toContain(
      'href="/sign-in?lang=zh"',
    );
    expect(renderer.render('sign-in', 'en', signIn)).not.toContain('class="languages"');
  });

  it('renders the same page in development and in production', () => {
    const development = createRenderer({ ...production, development: true });

    expect(development.render('sign-in', 'en', signIn)).toBe(
      createRenderer(production).render('sign-in', 'en', signIn),
    );
  });

  it('tells the reason of an end once, and not when a try has just failed', () => {
    const ended = { reason: 'kicked', agoMs: 180_000 } as const;
    const renderer = createRenderer(production);

    const first = renderer.render('sign-in', 'en', { ...signIn, ended });
    expect(first).toContain('Signed out from another device');
    expect(first).toContain('3 minutes ago');
    expect(renderer.render('sign-in', 'en', { ...signIn, ended, error: 'wrong' })).not.toContain(
      'Signed out from another device',
    );
  });
});
