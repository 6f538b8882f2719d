// The ways through the pages, as people take them: by the words on buttons and fields, in the visitor's
// language, so that they also hold where a page has no script. `look` is called on every page on the way.
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { AskedCode, TestApp, Tokens } from '../support/app.ts';
import { askForDeviceCode, pollForTokens } from '../support/device-flow.ts';
import type { Person } from '../support/sign-in.ts';
import type { Stage } from './stage.ts';
import type { Visitor } from './visitor.ts';

export type Look = (visitor: Visitor, name: string) => Promise<void>;

const lookAway: Look = async () => {};

/** A button or link by the words of a key; by exactly these, since "Sign in" is part of other names. */
export function button({ page, words }: Visitor, key: string, values?: Record<string, string>): Locator {
  return page.getByRole('button', { name: words.t(key, values), exact: true });
}

export function link({ page, words }: Visitor, key: string): Locator {
  return page.getByRole('link', { name: words.t(key), exact: true });
}

export function field({ page, words }: Visitor, key: string): Locator {
  return page.getByLabel(words.t(key), { exact: true });
}

export function heading({ page, words }: Visitor, key: string, values?: Record<string, string>): Locator {
  return page.getByRole('heading', { level: 1, name: words.t(key, values), exact: true });
}

/** Opens the app's request, and answers with what its code will be redeemed with. */
export async function goToApp(
  visitor: Visitor,
  app: TestApp,
  parameters: Record<string, string> = {},
): Promise<AskedCode> {
  const asked = app.ask({ scope: 'openid profile', ...parameters });
  await visitor.page.goto(asked.address);
  return asked;
}

/** Waits until the browser is back at the app, and redeems what it brought. */
export async function arriveAtApp(page: Page, app: TestApp, asked: AskedCode): Promise<Tokens> {
  const callback = await backAtApp(page, app);
  const value = callback.searchParams.get('code');
  if (value === null) throw new Error(`no code: ${callback.href}`);

  const { status, body } = await app.redeem({ value, verifier: asked.verifier });
  expect({ status, body }).toMatchObject({ status: 200, body: { access_token: expect.any(String) } });
  return body;
}

export async function backAtApp(page: Page, app: TestApp): Promise<URL> {
  await page.waitForURL(`${app.redirectUri}?**`);
  return new URL(page.url());
}

export async function fillSignIn(visitor: Visitor, person: Person): Promise<void> {
  await field(visitor, 'sign_in.identifier').fill(person.email);
  await field(visitor, 'sign_in.password').fill(person.password);
  await button(visitor, 'sign_in.submit').click();
}

/** Mistypes the password first. */
export async function signIn(
  stage: Stage,
  visitor: Visitor,
  person: Person,
  look: Look = lookAway,
): Promise<Tokens> {
  const asked = await goToApp(visitor, stage.notes);
  await heading(visitor, 'sign_in.title').waitFor();
  await look(visitor, 'sign-in');

  await fillSignIn(visitor, { ...person, password: 'not the password' });
  await visitor.page
    .getByRole('alert')
    .filter({ hasText: visitor.words.t('sign_in.error.wrong') })
    .waitFor();
  expect(await field(visitor, 'sign_in.identifier').inputValue()).toBe(person.email);
  expect(await field(visitor, 'sign_in.password').inputValue()).toBe('');
  await look(visitor, 'sign-in-wrong');

  await field(visitor, 'sign_in.password').fill(person.password);
  await button(visitor, 'sign_in.submit').click();
  return arriveAtApp(visitor.page, stage.notes, asked);
}

export async function signUp(
  stage: Stage,
  visitor: Visitor,
  email: string,
  look: Look = lookAway,
): Promise<Tokens> {
  const asked = await goToApp(visitor, stage.notes);
  await link(visitor, 'sign_in.sign_up').click();
  await heading(visitor, 'sign_up.title').waitFor();
  await look(visitor, 'sign-up');
  await field(visitor, 'sign_up.email').fill(email);
  await button(visitor, 'sign_up.submit').click();

  await heading(visitor, 'sign_up_confirm.title').waitFor();
  await look(visitor, 'sign-up-confirm');
  const code = await codeFromOutbox(stage, visitor, look);
  await field(visitor, 'sign_up_confirm.code').fill(code);
  await field(visitor, 'sign_up_confirm.name').fill('Mei');
  await field(visitor, 'sign_up_confirm.password').fill('a river of quiet lanterns');
  await button(visitor, 'sign_up_confirm.submit').click();
  return arriveAtApp(visitor.page, stage.notes, asked);
}

/** The mail is read in a tab of its own, as anybody would. */
async function codeFromOutbox(stage: Stage, visitor: Visitor, look: Look): Promise<string> {
  const mailbox = await visitor.context.newPage();
  await mailbox.goto(`${stage.strata.origin}/outbox`);
  await look({ ...visitor, page: mailbox }, 'outbox');
  const mail = await mailbox.locator('pre').first().textContent();
  await mailbox.close();

  const [code] = /\b\d{8}\b/.exec(mail ?? '') ?? [];
  if (code === undefined) throw new Error(`no code in the mail: ${mail}`);
  return code;
}

/** An app of somebody else: asked once, and not a second time. */
export async function consent(
  stage: Stage,
  visitor: Visitor,
  person: Person,
  look: Look = lookAway,
): Promise<Tokens> {
  const { page } = visitor;
  const asked = await goToApp(visitor, stage.shop, { scope: 'openid profile email' });
  await fillSignIn(visitor, person);
  await heading(visitor, 'consent.title', { client: 'Lantern Shop' }).waitFor();
  await page.getByText(visitor.words.t('scopes.email'), { exact: true }).waitFor();
  await look(visitor, 'consent');
  await button(visitor, 'consent.allow').click();
  const tokens = await arriveAtApp(page, stage.shop, asked);

  const again = await goToApp(visitor, stage.shop, { scope: 'openid profile email' });
  await arriveAtApp(page, stage.shop, again);
  return tokens;
}

/** Signs in to the app, which then asks to sign out. */
export async function openSignOut(stage: Stage, visitor: Visitor, person: Person): Promise<void> {
  const { page } = visitor;
  const asked = await goToApp(visitor, stage.notes);
  const isSignedIn = page.url().startsWith(stage.notes.redirectUri);
  if (!isSignedIn) await fillSignIn(visitor, person);
  const { id_token: hint } = await arriveAtApp(page, stage.notes, asked);

  const address = new URL('/logout', stage.strata.origin);
  const back = { post_logout_redirect_uri: `${stage.appOrigin}/goodbye`, state: 'so long' };
  address.search = new URLSearchParams({ id_token_hint: hint, ...back }).toString();
  await page.goto(address.href);
  await heading(visitor, 'sign_out.title').waitFor();
}

/** Signs in, and out of everything in this browser. */
export async function signOut(
  stage: Stage,
  visitor: Visitor,
  person: Person,
  look: Look = lookAway,
): Promise<void> {
  const { page } = visitor;
  await openSignOut(stage, visitor, person);
  await look(visitor, 'sign-out');
  await page.getByRole('button', { name: visitor.words.t('sign_out.everything') }).click();
  await page.waitForURL(`${stage.appOrigin}/goodbye?**`);

  await page.goto(`${stage.strata.origin}/devices`);
  await heading(visitor, 'sign_in.title').waitFor();
}

export async function openDevices(stage: Stage, visitor: Visitor, person: Person): Promise<void> {
  await visitor.page.goto(`${stage.strata.origin}/devices`);
  await fillSignIn(visitor, person);
  await heading(visitor, 'devices.title').waitFor();
}

/** Ends another browser's sign-in; that browser is sent to sign in and told why. */
export async function endOtherDevice(
  stage: Stage,
  visitor: Visitor,
  other: Visitor,
  person: Person,
  look: Look = lookAway,
): Promise<void> {
  await openDevices(stage, other, person);
  await openDevices(stage, visitor, person);
  await look(visitor, 'devices');

  const row = visitor.page
    .getByRole('listitem')
    .filter({ has: visitor.page.getByRole('button') })
    .filter({ hasNotText: visitor.words.t('devices.this_device') });
  expect(await row.count()).toBe(1);
  await row.getByRole('button').click();
  await visitor.page
    .getByRole('status')
    .filter({ hasText: visitor.words.t('devices.notice.ended') })
    .waitFor();
  await visitor.page.getByText(visitor.words.t('devices.alone'), { exact: true }).waitFor();
  await look(visitor, 'devices-ended');

  await other.page.reload();
  await heading(other, 'sign_in.title').waitFor();
  await other.page
    .getByRole('status')
    .filter({ hasText: other.words.t('ended.kicked.title') })
    .waitFor();
  await look(other, 'sign-in-kicked');
}

/** A TV shows a code; the person types it, mistyped at first, confirms and signs in. */
export async function connectDevice(
  stage: Stage,
  visitor: Visitor,
  person: Person,
  look: Look = lookAway,
): Promise<void> {
  const { page } = visitor;
  const device = await askForDeviceCode(stage.tv);
  await page.goto(device.verification_uri);
  await heading(visitor, 'device_code.title').waitFor();
  await look(visitor, 'device-code');
  await field(visitor, 'device_code.code').fill('BBBB-BBBB');
  await button(visitor, 'device_code.submit').click();
  await page.getByText(visitor.words.t('device_code.error.unknown'), { exact: true }).waitFor();
  await look(visitor, 'device-code-unknown');

  // People leave out the dash and do not care about capitals.
  await field(visitor, 'device_code.code').fill(device.user_code.replace('-', '').toLowerCase());
  await button(visitor, 'device_code.submit').click();
  await heading(visitor, 'device_confirm.title').waitFor();
  await page.getByText(device.user_code, { exact: true }).waitFor();
  await look(visitor, 'device-confirm');
  await button(visitor, 'device_confirm.approve').click();
  await fillSignIn(visitor, person);
  await heading(visitor, 'device_done.approved.title').waitFor();
  await look(visitor, 'device-done');
  // It cannot be asked for again in another language: what it tells of is done.
  expect(await page.getByRole('navigation').count()).toBe(0);

  expect(await pollForTokens(stage.tv, device)).toMatchObject({ status: 200 });
}

const refusals = [
  ['not-found', '/interactio', 'errors.not_found.title'],
  ['page-expired', '/interaction/gone/sign-in', 'errors.page_expired.title'],
  ['app-mistake', '/authorize?client_id=nobody&response_type=code', 'errors.app_mistake.title'],
] as const;

/** An address that was cut short, a sign-in that is over, and an app that is not known here. */
export async function seeRefusals(stage: Stage, visitor: Visitor, look: Look = lookAway): Promise<void> {
  for (const [name, path, key] of refusals) {
    await visitor.page.goto(stage.strata.origin + path);
    await heading(visitor, key).waitFor();
    await look(visitor, name);
  }
}
