import { describe, expect, it } from 'vitest';
import { launchChromium } from './chromium.ts';

describe('launchChromium', () => {
  it('gives each caller a browser that draws text in both languages', async () => {
    const browsers = await Promise.all([launchChromium(), launchChromium()]);
    for (const browser of browsers) {
      const page = await browser.newPage();
      await page.setContent('<span>Sign in</span> <span>扫码登录</span>');
      const boxes = await Promise.all((await page.locator('span').all()).map((span) => span.boundingBox()));

      for (const box of boxes) expect(box?.width).toBeGreaterThan(20);
      await browser.close();
    }
  }, 60_000);
});
