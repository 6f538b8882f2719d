// The playground looked at closely in both themes and languages, on a desk and on a phone, and the turns off
// its main way.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { axeComplaints, layoutComplaints } from '../page-checks.ts';
import {
  enterPassword,
  events,
  letIn,
  openPlayground,
  type Playground,
  panesOf,
  scan,
  shownCode,
  shownNumber,
  signInByPassword,
} from '../playground-visitor.ts';

/** Ignored by git. */
const screenshots = fileURLToPath(new URL('../../../.tmp/screenshots/', import.meta.url));

let playground: Playground;

beforeAll(async () => {
  playground = await openPlayground();
});

afterAll(() => playground.close());

afterEach(async () => {
  expect(await playground.complaints()).toEqual([]);
});

const looks = [
  { theme: 'light', language: 'en', width: 1280 },
  { theme: 'dark', language: 'zh', width: 1280 },
  { theme: 'light', language: 'zh', width: 375 },
  { theme: 'dark', language: 'en', width: 375 },
] as const;

type Looks = (typeof looks)[number];

describe.each(looks)('the playground, $theme, in $language, $width px wide', (look) => {
  const { theme, language, width } = look;
  const visit = (path: string) =>
    playground.visit(path, { colorScheme: theme, locale: language, viewport: { width, height: 812 } });

  it('is usable by everybody, at the start, while a PC is let in, and when its session has ended', async () => {
    const page = await visit('/');
    const { pc, phone } = panesOf(page);
    expect(await complaintsAbout(page, look, 'start')).toEqual([]);

    await signInByPassword(phone);
    await shownCode(pc);
    await phone.getByTestId('qr-scan').click();
    await phone.getByTestId('qr-number').fill(await shownNumber(pc));
    expect(await complaintsAbout(page, look, 'number')).toEqual([]);

    await letIn({ pc, phone });
    await page.locator('[data-chips=pc] [data-testid=chip-access-hello]').click();
    expect(await complaintsAbout(page, look, 'inspector')).toEqual([]);

    await page.keyboard.press('Escape');
    await phone.getByTestId('end-other').click();
    await pc.getByTestId('reason').waitFor();
    expect(await complaintsAbout(page, look, 'ended')).toEqual([]);
  });

  it.each(['pc', 'phone'])('has a pane that is usable by everybody on its own: %s', async (pane) => {
    const page = await visit(`/playground/${pane}`);
    expect(await complaintsAbout(page, look, `${pane}-out`)).toEqual([]);

    await signInByPassword(page);
    await page.getByTestId('show-sessions').click();
    await page.getByTestId('sessions').waitFor();
    expect(await complaintsAbout(page, look, `${pane}-in`)).toEqual([]);
  });
});

async function complaintsAbout(page: Page, look: Looks, name: string): Promise<string[]> {
  const { theme, language, width } = look;
  // A chip that has just changed glows for a moment, and is not judged while it does.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const file = ['playground', name, language, theme, width].join('-');
  await page.screenshot({ path: join(screenshots, `${file}.png`), fullPage: true });
  return [...(await axeComplaints(page)), ...(await layoutComplaints(page))];
}

describe('off the main way', () => {
  it('starts over with both panes signed out', async () => {
    const page = await playground.visit('/');
    const { phone } = panesOf(page);
    await signInByPassword(phone);

    await page.getByTestId('restart').click();
    await phone.getByTestId('sign-in').waitFor();
    expect(await page.getByTestId('chip-session').count()).toBe(0);
    expect(await events(page)).toEqual([]);
  });

  it('signs nobody in when the phone says no', async () => {
    const pc = await playground.visit('/playground/pc');
    const phone = await playground.visit('/playground/phone');
    await signInByPassword(phone);

    await scan(phone, await shownCode(pc));
    await phone.getByTestId('qr-deny').click();
    await phone.locator('[data-testid=qr-status][data-words=denied]').waitFor();
    await pc.locator('[data-qr-panel][data-state=denied]').waitFor();
  });

  it('says what is wrong with what a camera read', async () => {
    const phone = await playground.visit('/playground/phone');
    await signInByPassword(phone);

    for (const [reading = '', words] of [
      ['', 'no_code'],
      ['http://elsewhere.example/q/m/abc#def', 'unreadable'],
      ['not an address', 'unreadable'],
      [`${playground.strata.origin}/q/m/AAAAAAAAAAAAAAAA#unknown`, 'over'],
    ]) {
      await scan(phone, reading);
      await phone.locator(`[data-testid=qr-status][data-words=${words}]`).waitFor();
    }
  });

  it('asks a phone that signed in long ago to do so again', async () => {
    const pc = await playground.visit('/playground/pc');
    const phone = await playground.visit('/playground/phone');
    await signInByPassword(phone);
    playground.strata.clock.advance(6 * 60_000);

    await scan(phone, await shownCode(pc));
    await phone.getByTestId('sign-in-again').click();
    await enterPassword(phone);
    await phone.getByTestId('account-name').waitFor();
    await scan(phone, (await pc.locator('[data-qr-uri]').getAttribute('data-qr-uri')) ?? '');
    await letIn({ pc, phone });
  });

  it('lets the person choose what to end where there is more than one other device', async () => {
    const phones = [await playground.visit('/playground/phone'), await playground.visit('/playground/phone')];
    for (const phone of phones) await signInByPassword(phone);
    const pc = await playground.visit('/playground/pc');
    await signInByPassword(pc);

    await pc.getByTestId('end-other').click();
    await pc.getByTestId('sessions-status').waitFor();
    const rows = await pc.getByTestId('end-session').count();
    expect(rows).toBeGreaterThan(1);
    await pc.getByTestId('end-session').first().click();
    await expect.poll(() => pc.getByTestId('end-session').count()).toBe(rows - 1);
  });

  it('signs out: a PC at the server’s page, a phone by itself', async () => {
    const pc = await playground.visit('/playground/pc');
    const phone = await playground.visit('/playground/phone');
    await signInByPassword(pc);
    await signInByPassword(phone);

    await pc.getByTestId('sign-out').click();
    await pc.locator('button[name=logout]').click();
    await pc.getByTestId('sign-in').waitFor();
    expect(new URL(pc.url()).search).toBe('');
    await phone.getByTestId('sign-out').click();
    await phone.getByTestId('sign-in').waitFor();
    expect(await events(phone)).toContain('signed_out');
  });
});
