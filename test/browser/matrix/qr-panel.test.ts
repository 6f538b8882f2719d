// The panel "sign in with your phone" against a transaction that the test moves: each state in words, and
// each way in which the connection can fail.
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../../support/chromium.ts';
import { codeOnScreen } from '../camera.ts';
import { type PageServer, samplePath, startPageServer } from './page-server.ts';

const path = samplePath({ view: 'sign-in', name: 'with everything', language: 'en' });

let browser: Browser;
let server: PageServer;
let page: Page;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(() => browser.close());

beforeEach(async () => {
  server = await startPageServer();
  page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
});

afterEach(async () => {
  await page.context().close();
  await server.close();
});

describe('the panel for phones', () => {
  it.each(['light', 'dark'] as const)('draws a code that a camera reads, in the %s theme', async (theme) => {
    await page.emulateMedia({ colorScheme: theme });
    await openPanel();

    expect(await codeOnScreen(page)).toBe(server.transaction.uri);
    server.transaction.rotate();
    await page.locator(`[data-qr-uri="${server.transaction.uri}"]`).waitFor();
    expect(await codeOnScreen(page)).toBe(server.transaction.uri);
  });

  it('counts down to the next code without telling a screen reader each second', async () => {
    await openPanel();

    await page.getByText(/^New code in 3\d s$/).waitFor();
    expect(await page.getByRole('status').textContent()).toBe(
      'Open the app on your phone, choose Scan, and point it here.',
    );
  });

  it('takes the code away after the scan, and shows the number to type on the phone', async () => {
    await openPanel();
    server.transaction.move('scanned', { match_number: '47' });

    await state('number');
    expect(await page.locator('[data-qr-uri]').count()).toBe(0);
    expect(await page.locator('.match-number').textContent()).toBe('47');
    expect(await page.getByRole('status').textContent()).toContain('47');
  });

  it('goes on once the phone has approved', async () => {
    await openPanel();
    server.transaction.move('scanned');
    await state('scanned');
    server.transaction.move('approved');

    await page.waitForURL('**/qr/continue');
  });

  it.each([
    ['denied', 'Your phone said no'],
    ['cancelled', 'This code was put away'],
    ['expired', 'That code has expired'],
  ])(
    'says what happened when it was %s, lets go of the connection, and offers a new code',
    async (end, words) => {
      await openPanel();
      server.transaction.move(end);

      await state(end);
      expect(await page.getByRole('status').textContent()).toContain(words);
      await expect.poll(() => server.transaction.streams).toBe(0);

      await page.getByRole('button', { name: 'Show a new code' }).click();
      await state('waiting');
      expect(server.transaction.created).toBe(2);
    },
  );

  it('starts over when the wrong phone has scanned, and forgets the number', async () => {
    await openPanel();
    server.transaction.move('scanned', { match_number: '47' });
    await page.getByRole('button', { name: 'Start over' }).click();

    await state('waiting');
    expect(await page.locator('.match-number').textContent()).toBe('');
  });

  it('stops at its deadline though no server says so', async () => {
    server.transaction.deadlineMs = 500;
    await openPanel();

    await state('expired');
    expect(await page.locator('[data-qr-uri]').count()).toBe(0);
  });

  it('connects again after its stream was cut, and hears what it missed', async () => {
    await openPanel();
    await expect.poll(() => server.transaction.streams).toBe(1);
    server.transaction.cut();
    server.transaction.move('scanned', { match_number: '05' });

    await state('number');
  });

  it.each(['refused', 'silent'] as const)('polls where streams are %s', async (stream) => {
    server.transaction.stream = stream;
    await openPanel();
    server.transaction.move('scanned', { match_number: '05' });
    await state('number');
    server.transaction.move('redeemed');

    await page.waitForURL('**/qr/continue');
  });

  it('holds no connection while nobody sees it, and catches up when seen again', async () => {
    await openPanel();
    await expect.poll(() => server.transaction.streams).toBe(1);
    await setVisibility('hidden');
    await expect.poll(() => server.transaction.streams).toBe(0);
    server.transaction.rotate();
    await setVisibility('visible');

    await page.locator(`[data-qr-uri="${server.transaction.uri}"]`).waitFor();
    expect(server.transaction.created).toBe(1);
  });

  it.each([
    ['refused', 'failed', 'The code could not be loaded'],
    ['busy', 'busy', 'Many people are signing in right now'],
  ] as const)(
    'says so when no code is to be had (%s), and tries again when asked to',
    async (creation, name, words) => {
      server.transaction.creation = creation;
      await page.goto(server.url + path);
      await state(name);
      expect(await page.getByRole('status').textContent()).toContain(words);

      server.transaction.creation = 'open';
      await page.getByRole('button', { name: 'Show a new code' }).click();
      await state('waiting');
    },
  );

  it('opens nothing on a phone, until the page is wide enough to be scanned from', async () => {
    await page.setViewportSize({ width: 375, height: 812 });
    await page.goto(server.url + path, { waitUntil: 'networkidle' });
    expect(server.transaction.created).toBe(0);

    await page.setViewportSize({ width: 1280, height: 800 });
    await state('waiting');
  });
});

async function openPanel(): Promise<void> {
  await page.goto(server.url + path);
  await state('waiting');
}

async function state(name: string): Promise<void> {
  await page.locator(`[data-qr-panel][data-state="${name}"]`).waitFor();
}

async function setVisibility(value: 'hidden' | 'visible'): Promise<void> {
  await page.evaluate(`
    Object.defineProperty(document, 'visibilityState', { value: '${value}', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  `);
}
