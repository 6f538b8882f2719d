// What the camera of a phone reads from somebody's screen: a QR code in a picture of it, found as a scanner
// finds it. Nothing is read from the page's elements.
import jsQR from 'jsqr';
import type { Page } from 'playwright-core';
import { PNG } from 'pngjs';

export async function codeOnScreen(page: Page): Promise<string | undefined> {
  const { data, width, height } = PNG.sync.read(await page.screenshot());
  // Scanners that also read inverted codes exist; those that do not decide whether a code is sound.
  const found = jsQR.default(new Uint8ClampedArray(data), width, height, { inversionAttempts: 'dontInvert' });
  return found?.data;
}
