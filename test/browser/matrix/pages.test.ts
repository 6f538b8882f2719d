// Every view in both themes, both languages, on a desk and on a phone: usable by a screen reader (axe), with
// nothing wider than the screen, nothing too small for a finger, and nothing that the content policy stops.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { languages } from '../../../src/web/languages.ts';
import { launchChromium } from '../../support/chromium.ts';
import { everySample } from '../../web/views/samples.ts';
import { axeComplaints, layoutComplaints } from '../page-checks.ts';
import { type PageServer, samplePath, startPageServer } from './page-server.ts';

/** All but the states that differ in one sentence alone; the playground needs a server of its own. */
const shown = everySample()
  .filter(({ view }) => !view.startsWith('playground'))
  .filter(({ name }) => !/^(ended|error) /.test(name) || /kicked|wrong|unknown$|busy$/.test(name));

let browser: Browser;
let server: PageServer;

beforeAll(async () => {
  [browser, server] = await Promise.all([launchChromium(), startPageServer()]);
});

afterAll(async () => {
  await browser.close();
  await server.close();
});

describe.each(['light', 'dark'] as const)('pages in the %s theme', (colorScheme) => {
  it.each([
    [1280, 0],
    [375, 1],
  ])('are usable by everybody at %d px', async (width, turn) => {
    const context = await browser.newContext({ viewport: { width, height: 812 }, colorScheme });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(`script: ${error.message}`));

    for (const [index, sample] of shown.entries()) {
      const language = languages[(index + turn) % languages.length] ?? 'en';
      await page.goto(server.url + samplePath({ ...sample, language }));
      const found = [...(await axeComplaints(page)), ...(await layoutComplaints(page))];
      complaints.push(...found.map((complaint) => `${sample.view}, ${sample.name}: ${complaint}`));
    }

    expect(complaints).toEqual([]);
    await context.close();
  });
});
