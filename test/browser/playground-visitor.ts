// Visitors of the playground in a real browser: what they press, and what they see.
import type { Browser, BrowserContext, BrowserContextOptions, FrameLocator, Page } from 'playwright-core';
import { DEMO_PASSWORD } from '../../src/demo.ts';
import { launchChromium } from '../support/chromium.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

/** A pane, in its frame or in a tab of its own. */
export type Pane = Page | FrameLocator;

export interface Panes {
  pc: Pane;
  phone: Pane;
}

export interface Playground {
  strata: TestServer;
  /** A browser of its own at a path of the server. */
  visit(path: string, options?: BrowserContextOptions): Promise<Page>;
  /** Broken scripts, forbidden content and requests to other hosts since the last call; sends everybody home. */
  complaints(): Promise<string[]>;
  close(): Promise<void>;
}

export async function openPlayground(): Promise<Playground> {
  const now = Date.now();
  const [browser, strata] = await Promise.all([
    launchChromium(),
    startTestServer({ config: { demo: true } }),
  ]);
  // The browser has a clock of its own, and takes no cookie that is over by it.
  strata.clock.set(now);
  const contexts: BrowserContext[] = [];
  const heard: string[] = [];

  async function visit(path: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await openPage(browser, options);
    contexts.push(page.context());
    listen(page, strata.origin, heard);
    await page.goto(strata.origin + path);
    return page;
  }

  return {
    strata,
    visit,
    complaints: async () => {
      for (const context of contexts.splice(0)) await context.close();
      return heard.splice(0);
    },
    close: async () => {
      await browser.close();
      await strata.close();
    },
  };
}

async function openPage(browser: Browser, options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  return context.newPage();
}

function listen(page: Page, origin: string, complaints: string[]): void {
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) complaints.push(message.text());
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol !== 'data:' && url.origin !== origin) complaints.push(`asked ${request.url()}`);
  });
}

export function panesOf(page: Page): { pc: FrameLocator; phone: FrameLocator } {
  return {
    pc: page.frameLocator('[data-testid=pane-pc]'),
    phone: page.frameLocator('[data-testid=pane-phone]'),
  };
}

/** Through the server's own page, with the demo account. */
export async function signInByPassword(pane: Pane): Promise<void> {
  await pane.getByTestId('sign-in').click();
  await enterPassword(pane);
  await pane.getByTestId('account-name').waitFor();
}

export async function enterPassword(pane: Pane): Promise<void> {
  await pane.locator('#identifier').fill('ada@example.com');
  await pane.locator('#password').fill(DEMO_PASSWORD);
  await pane.locator('form[action$="/sign-in"] .button-main').click();
}

/** Goes to the sign-in page and answers with the address that its QR code holds. */
export async function shownCode(pc: Pane): Promise<string> {
  await pc.getByTestId('sign-in').click();
  return (await pc.locator('[data-qr-uri]').getAttribute('data-qr-uri')) ?? '';
}

export async function shownNumber(pc: Pane): Promise<string> {
  const number = pc.locator('.qr-sign-phone [data-qr-number]');
  await number.waitFor();
  return ((await number.textContent()) ?? '').trim();
}

/** The phone's camera is a text box where it stands alone. */
export async function scan(phone: Pane, code: string): Promise<void> {
  await phone.getByTestId('qr-input').fill(code);
  await phone.getByTestId('qr-scan').click();
}

/** The phone has scanned: its person types the number, and the PC's says that it is them. */
export async function letIn({ pc, phone }: Panes): Promise<void> {
  await phone.getByTestId('qr-number').fill(await shownNumber(pc));
  await phone.getByTestId('qr-approve').click();
  await pc.locator('button[value=continue]').click();
  await pc.getByTestId('account-name').waitFor();
}

/** Newest first. */
export async function events(pane: Pane): Promise<string[]> {
  const items = pane.getByTestId('events').locator('li');
  return items.evaluateAll((shown) =>
    shown.map((item) => (item as unknown as { dataset: { key: string } }).dataset.key),
  );
}
