// The ways out, the pages for a device that has no keyboard, and the pages that only say what went wrong.
import { describe, expect } from 'vitest';
import { it } from './browser-test.ts';
import {
  arriveAtApp,
  button,
  connectDevice,
  endOtherDevice,
  fillSignIn,
  goToApp,
  heading,
  link,
  openDevices,
  openSignOut,
  seeRefusals,
  signOut,
} from './journeys.ts';

describe('the sign-out page', () => {
  it('signs out of everything in this browser and leads back to the app', async ({ stage }) => {
    await signOut(stage, await stage.visitor(), await stage.strata.addAccount());
  });

  it('signs out of one app alone, and leaves the others as they were', async ({ stage }) => {
    const visitor = await stage.visitor({ language: 'zh', width: 375 });
    const person = await stage.strata.addAccount();
    const shop = await goToApp(visitor, stage.shop, { scope: 'openid' });
    await fillSignIn(visitor, person);
    await button(visitor, 'consent.allow').click();
    await arriveAtApp(visitor.page, stage.shop, shop);
    await openSignOut(stage, visitor, person);
    await visitor.page.getByText(visitor.words.t('sign_out.words', { label: person.email })).waitFor();
    await visitor.page
      .getByRole('button', { name: visitor.words.t('sign_out.app_only', { client: 'Notes' }) })
      .click();
    await visitor.page.waitForURL(`${stage.appOrigin}/goodbye?**`);

    const again = await goToApp(visitor, stage.shop, { scope: 'openid' });
    await arriveAtApp(visitor.page, stage.shop, again);
  });

  it('knows the app and the way back to it in the other language too', async ({ stage }) => {
    const visitor = await stage.visitor();
    const { words } = await stage.visitor({ language: 'zh' });
    await openSignOut(stage, visitor, await stage.strata.addAccount());
    await visitor.page.getByRole('link', { name: '中文' }).click();

    await visitor.page
      .getByRole('button', { name: words.t('sign_out.app_only', { client: 'Notes' }) })
      .click();
    await visitor.page.waitForURL(`${stage.appOrigin}/goodbye?**`);
    expect(new URL(visitor.page.url()).searchParams.get('state')).toBe('so long');
  });
});

describe('my devices', () => {
  it('ends another browser, which is sent to sign in and told why', async ({ stage }) => {
    const visitor = await stage.visitor();
    const other = await stage.visitor({ language: 'zh', width: 375, theme: 'dark' });
    await endOtherDevice(stage, visitor, other, await stage.strata.addAccount());
  });

  it('shows this device first, and signs it out as well', async ({ stage }) => {
    const person = await stage.strata.addAccount();
    const visitor = await stage.visitor();
    await openDevices(stage, await stage.visitor(), person);
    await openDevices(stage, visitor, person);

    const first = visitor.page.getByRole('listitem').first();
    expect(await first.textContent()).toContain(visitor.words.t('devices.this_device'));
    await first.getByRole('button').click();
    await heading(visitor, 'sign_in.title').waitFor();
  });
});

describe('the pages for devices without a keyboard', () => {
  it('connect a TV by its code', async ({ stage }) => {
    await connectDevice(stage, await stage.visitor({ width: 375 }), await stage.strata.addAccount());
  });
});

describe('a page that only says what went wrong', () => {
  it.for(['en', 'zh'] as const)('is there for each kind of mistake, in %s', async (language, { stage }) => {
    await seeRefusals(stage, await stage.visitor({ language }));
  });

  it('says so where the browser keeps no cookies, and nobody is signed in', async ({ stage }) => {
    const visitor = await stage.visitor({ width: 375 });
    const person = await stage.strata.addAccount();
    await goToApp(visitor, stage.notes);
    await visitor.context.clearCookies();
    await fillSignIn(visitor, person);

    await heading(visitor, 'errors.csrf.title').waitFor();
  });

  it('leads on from signing out to signing in again', async ({ stage }) => {
    const visitor = await stage.visitor();
    await visitor.page.goto(`${stage.strata.origin}/signed-out`);
    await heading(visitor, 'signed_out.title').waitFor();
    await link(visitor, 'sign_in.title').click();
    await fillSignIn(visitor, await stage.strata.addAccount());
    await heading(visitor, 'devices.title').waitFor();
  });
});
