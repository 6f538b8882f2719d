// The ways in, once each, in a real browser. The matrix goes them in every theme, language and width.
import { describe, expect } from 'vitest';
import { claimsOf } from '../support/app.ts';
import { it } from './browser-test.ts';
import {
  arriveAtApp,
  backAtApp,
  button,
  consent,
  fillSignIn,
  goToApp,
  heading,
  signIn,
  signUp,
} from './journeys.ts';

describe('somebody at the pages', () => {
  it('signs up with the code from the mail and goes on to the app', async ({ stage }) => {
    const visitor = await stage.visitor();
    const tokens = await signUp(stage, visitor, 'mei@example.com');

    const { body } = await stage.notes.userinfo(tokens.access_token);
    expect(body).toMatchObject({ name: 'Mei' });
  });

  it('mistypes the password first, is told so, and signs in', async ({ stage }) => {
    const person = await stage.strata.addAccount();
    const visitor = await stage.visitor({ width: 375, theme: 'dark', language: 'zh' });
    const tokens = await signIn(stage, visitor, person);

    expect(claimsOf(tokens.id_token)).toMatchObject({ sub: person.id, amr: ['pwd'] });
  });

  it('signs in by keyboard alone, and always sees where the focus is', async ({ stage }) => {
    const person = await stage.strata.addAccount();
    const visitor = await stage.visitor();
    const { keyboard } = visitor.page;
    const asked = await goToApp(visitor, stage.notes);

    // The first field has the focus; the next stops are the password, its button "show", and the main button.
    await keyboard.type(person.email);
    expect(await outlineOfFocus(visitor.page)).toBe('solid');
    await keyboard.press('Tab');
    await keyboard.type(person.password);
    expect(await outlineOfFocus(visitor.page)).toBe('solid');
    await keyboard.press('Tab');
    await keyboard.press('Space');
    expect(await visitor.page.locator('#password').getAttribute('type')).toBe('text');
    expect(await outlineOfFocus(visitor.page)).toBe('solid');
    await keyboard.press('Tab');
    expect(await outlineOfFocus(visitor.page)).toBe('solid');
    await keyboard.press('Enter');

    await arriveAtApp(visitor.page, stage.notes, asked);
  });

  it('changes the language, which stays through the sign-in and the next page', async ({ stage }) => {
    const person = await stage.strata.addAccount();
    const visitor = await stage.visitor({ language: 'en' });
    const chinese = await stage.visitor({ language: 'zh' });
    await goToApp(visitor, stage.shop);
    await heading(visitor, 'sign_in.title').waitFor();
    await visitor.page.getByRole('link', { name: '中文' }).click();

    const reader = { ...visitor, words: chinese.words };
    await heading(reader, 'sign_in.title').waitFor();
    expect(await visitor.page.locator('html').getAttribute('lang')).toBe('zh-Hans');
    await fillSignIn(reader, person);
    await heading(reader, 'consent.title', { client: 'Lantern Shop' }).waitFor();
  });

  it('lets an app of somebody else in once, and is not asked again', async ({ stage }) => {
    const person = await stage.strata.addAccount({ name: 'Mei' });
    const tokens = await consent(stage, await stage.visitor(), person);

    const { body } = await stage.shop.userinfo(tokens.access_token);
    expect(body).toMatchObject({ name: 'Mei', email: person.email });
  });

  it('reads in its own language what the app could do', async ({ stage }) => {
    const visitor = await stage.visitor({ language: 'zh' });
    await goToApp(visitor, stage.shop, {
      scope: 'openid sessions:read',
      resource: `${stage.strata.origin}/api`,
    });
    await fillSignIn(visitor, await stage.strata.addAccount());
    const lines = visitor.page.locator('.scopes li');
    await lines.first().waitFor();

    const { scope } = visitor.words;
    expect((await lines.allTextContents()).map((line) => line.trim())).toEqual([
      scope({ name: 'openid' }),
      scope({ name: 'sessions:read' }),
    ]);
    expect(scope({ name: 'sessions:read' })).toMatch(/\p{Script=Han}/u);
  });

  it('refuses an app of somebody else, which is told no more than that', async ({ stage }) => {
    const visitor = await stage.visitor();
    await goToApp(visitor, stage.shop);
    await fillSignIn(visitor, await stage.strata.addAccount());
    await button(visitor, 'consent.deny').click();

    const { searchParams } = await backAtApp(visitor.page, stage.shop);
    expect(searchParams.get('error')).toBe('access_denied');
    expect(searchParams.has('code')).toBe(false);
  });

  it('goes back to the app without signing in', async ({ stage }) => {
    const visitor = await stage.visitor();
    await goToApp(visitor, stage.notes);
    await button(visitor, 'common.back_to', { client: 'Notes' }).click();

    const { searchParams } = await backAtApp(visitor.page, stage.notes);
    expect(searchParams.get('error')).toBe('access_denied');
  });
});

async function outlineOfFocus(page: { evaluate(script: string): Promise<unknown> }): Promise<unknown> {
  return page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
}
