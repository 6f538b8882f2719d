// What must hold on every page: usable by a screen reader (axe), nothing wider than the screen, nothing too
// small for a finger.
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';

const FINGER_PX = 44;
const axeSource = await readFile(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

interface Violation {
  id: string;
  nodes: { html: string }[];
}

interface Axe {
  run(options: { resultTypes: string[] }): Promise<{ violations: Violation[] }>;
}

export async function axeComplaints(page: Page): Promise<string[]> {
  // Evaluated by the debugger, which the content policy does not bind.
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: Axe };
    const { violations } = await axe.run({ resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  });
}

export async function layoutComplaints(page: Page): Promise<string[]> {
  const boxes = await page
    .locator('a, button, summary, input:not([type=hidden], [type=checkbox])')
    .evaluateAll((elements) =>
      elements.map((element) => ({ html: element.outerHTML, ...element.getBoundingClientRect().toJSON() })),
    );
  const small = boxes
    .filter(({ width, height }) => width > 0 && height < FINGER_PX)
    .map(({ html, height }) => `${height} px high: ${html}`);
  const tooWide = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
  return tooWide ? ['wider than the screen', ...small] : small;
}
