import { afterEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let strata: TestServer;

afterEach(() => strata.close());

function cacheControl(response: Response): string | null {
  return response.headers.get('cache-control');
}

describe('a file of a page', () => {
  it('may be kept for ever under the address that the page names it by', async () => {
    strata = await startTestServer();
    const page = await (await fetch(`${strata.origin}/signed-out`)).text();
    const addresses = [...page.matchAll(/(?:href|src)="(\/[\w./-]+\?v=\w+)"/g)].map(([, address]) => address);
    expect(addresses.length).toBeGreaterThan(1);

    for (const address of addresses) {
      const response = await fetch(`${strata.origin}${address}`);
      expect([response.status, cacheControl(response)]).toEqual([200, 'public, max-age=31536000, immutable']);
    }
  });

  it.each([
    ['another digest', '?v=000000000000'],
    ['an empty one', '?v='],
    ['two', '?v=000000000000&v=000000000000'],
    ['none', ''],
  ])('is asked about again with %s', async (_what, query) => {
    strata = await startTestServer();

    const response = await fetch(`${strata.origin}/strata.css${query}`);

    expect([response.status, cacheControl(response)]).toEqual([200, 'no-cache']);
  });

  it.each(['/nothing.css', '/package.json', '/.hidden.css'])(
    'that is not there is not found: %s',
    async (path) => {
      strata = await startTestServer();

      expect((await fetch(`${strata.origin}${path}?v=1`)).status).toBe(404);
    },
  );
});

describe('the files of the playground', () => {
  const spellings = [
    '/playground/app.js',
    '/playground/playground.css',
    '/%70layground/app.js',
    '/playground%2Fapp.js',
    '/playground/%61pp.js',
    '/playground//app.js',
    '//playground/app.js',
    '/PLAYGROUND/app.js',
    '/%2e/playground/app.js',
  ];

  it.each(spellings)('are not there where there is no playground: %s', async (path) => {
    strata = await startTestServer({ config: { playground: false } });

    expect((await fetch(`${strata.origin}${path}`)).status).toBe(404);
  });

  it('are there where there is one', async () => {
    strata = await startTestServer();

    expect((await fetch(`${strata.origin}/playground/app.js`)).status).toBe(200);
  });
});
