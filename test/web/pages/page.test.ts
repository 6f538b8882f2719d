import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let strata: TestServer;

beforeEach(async () => {
  strata = await startTestServer();
});
afterEach(() => strata.close());

describe('showPage', () => {
  test.each(['//evil.example/', '/%5Cevil.example', '/nothing-here?code=secret'])(
    'links to itself in other languages and nowhere else from %s',
    async (path) => {
      const response = await fetch(strata.origin + path, { headers: { accept: 'text/html' } });
      const page = await response.text();
      const links = [...page.matchAll(/href="([^"]*lang=[^"]*)"/g)].map(([, href]) => href);
      expect(response.status).toBe(404);
      expect(links).toEqual(['?lang=en', '?lang=zh']);
    },
  );
});
