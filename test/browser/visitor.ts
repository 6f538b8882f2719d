// Somebody at a real browser: a context of its own, the words of the pages in their language, and an ear for
// everything that a page must not do: errors in scripts, anything the content policy stops, requests that
// leave for another host, answers of 5xx.
import type { Browser, BrowserContext, ConsoleMessage, Page, Request, Response } from 'playwright-core';
import type { Language } from '../../src/web/languages.ts';
import { createWords, type Words } from '../../src/web/words.ts';

export type Theme = 'light' | 'dark';

export interface VisitorOptions {
  language?: Language;
  theme?: Theme;
  /** In pixels; below 600 the browser says that it is a phone's. */
  width?: number;
  /** Whether pages may run scripts. */
  script?: boolean;
  /** Addresses whose requests fail because the test cuts them. */
  cut?: RegExp;
}

export interface Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly words: Words;
  readonly language: Language;
  readonly theme: Theme;
  readonly width: number;
  readonly script: boolean;
  /** What was seen so far that should not be; tests expect it to stay empty. */
  readonly complaints: string[];
  leave(): Promise<void>;
}

const PHONE_WIDTH_MAX = 600;
const locales: Readonly<Record<Language, string>> = { en: 'en-GB', zh: 'zh-CN' };
const wordsIn = createWords({ strict: true });

/** `origins`: the servers that pages may talk to. */
export async function visit(
  browser: Browser,
  origins: readonly string[],
  options: VisitorOptions = {},
): Promise<Visitor> {
  const { language = 'en', theme = 'light', width = 1280, script = true, cut } = options;
  const isPhone = width < PHONE_WIDTH_MAX;
  const context = await browser.newContext({
    viewport: { width, height: isPhone ? 812 : 800 },
    colorScheme: theme,
    locale: locales[language],
    javaScriptEnabled: script,
    isMobile: isPhone,
    hasTouch: isPhone,
    // A still picture is there at once.
    reducedMotion: 'reduce',
  });
  // A condition that is not met in this time is not going to be.
  context.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  const complain = (complaint: string | undefined) => complaint && complaints.push(complaint);
  context.on('console', (message) => complain(consoleComplaint(message)));
  context.on('weberror', (error) => complain(`script: ${error.error().message}`));
  context.on('request', (request) => complain(foreignRequest(request, origins)));
  context.on('requestfailed', (request) => complain(failedRequest(request, cut)));
  context.on('response', (response) => complain(badAnswer(response)));

  return {
    context,
    page: await context.newPage(),
    words: wordsIn[language],
    language,
    theme,
    width,
    script,
    complaints,
    leave: () => context.close(),
  };
}

/** Loads that failed are judged by their status, below. */
function consoleComplaint(message: ConsoleMessage): string | undefined {
  const isWorse = message.type() === 'error' || message.type() === 'warning';
  const isAboutLoading = message.text().startsWith('Failed to load resource');
  return isWorse && !isAboutLoading ? `console: ${message.text()}` : undefined;
}

function foreignRequest(request: Request, origins: readonly string[]): string | undefined {
  const { protocol, origin } = new URL(request.url());
  const isOurs = protocol === 'data:' || origins.includes(origin);
  return isOurs ? undefined : `request to another host: ${request.url()}`;
}

/** Leaving a page aborts what it was loading, its event stream for one. */
function failedRequest(request: Request, cut: RegExp | undefined): string | undefined {
  const words = request.failure()?.errorText ?? '';
  if (words === 'net::ERR_ABORTED' || cut?.test(request.url())) return undefined;
  return `request failed: ${words}: ${request.url()}`;
}

/** Pages refuse with 4xx; what belongs to a page is never refused. */
function badAnswer(response: Response): string | undefined {
  const isPage = response.request().resourceType() === 'document';
  const isBad = response.status() >= (isPage ? 500 : 400);
  return isBad ? `${response.status()}: ${response.url()}` : undefined;
}
