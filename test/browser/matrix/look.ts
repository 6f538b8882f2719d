// Looks at a page on a way as everybody would have to use it, and keeps a picture of it for human eyes.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Look } from '../journeys.ts';
import { axeComplaints, layoutComplaints } from '../page-checks.ts';

/** Ignored by git. */
const screenshots = fileURLToPath(new URL('../../../.tmp/screenshots/', import.meta.url));

export const lookClosely: Look = async (visitor, name) => {
  const { page, complaints, language, theme, width, script } = visitor;
  // Words are the language's and contrast is the theme's, so that two of the four pairs see it all.
  const isListenedTo = script && (language === 'en') === (theme === 'light');
  const found = [...(isListenedTo ? await axeComplaints(page) : []), ...(await layoutComplaints(page))];
  complaints.push(...found.map((complaint) => `${name}: ${complaint}`));

  const file = [name, language, theme, width, ...(script ? [] : ['no-script'])].join('-');
  await page.screenshot({ path: join(screenshots, `${file}.png`), fullPage: true });
};
