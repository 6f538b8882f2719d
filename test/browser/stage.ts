// Everything that the browser flows need: a server, one real Chromium, and apps that people sign in to, with
// a server of their own that the browser comes back to.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import type { ClientMetadata } from '../../src/clients/client.ts';
import { addApp, type TestApp, tvApp } from '../support/app.ts';
import { launchChromium } from '../support/chromium.ts';
import type { TestSettings } from '../support/test-config.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { type Visitor, type VisitorOptions, visit } from './visitor.ts';

export interface Stage {
  strata: TestServer;
  /** An app of the operator's own: asks for no consent. */
  notes: TestApp;
  /** An app of somebody else. */
  shop: TestApp;
  tv: TestApp;
  /** Where the apps' callbacks are. */
  appOrigin: string;
  visitor(options?: VisitorOptions): Promise<Visitor>;
  /** Of all visitors so far. */
  complaints(): string[];
  close(): Promise<void>;
}

export interface Theatre {
  stage(config?: TestSettings): Promise<Stage>;
  close(): Promise<void>;
}

export async function openTheatre(): Promise<Theatre> {
  const [browser, apps] = await Promise.all([launchChromium(), startAppServer()]);
  return {
    stage: (config) => setStage(browser, apps.origin, config),
    close: async () => {
      await Promise.all([browser.close(), apps.close()]);
    },
  };
}

async function setStage(browser: Browser, appOrigin: string, config: TestSettings = {}): Promise<Stage> {
  const strata = await startTestServer({ config: { demo: true, ...config }, startMs: Date.now() });
  const redirects: ClientMetadata = {
    redirect_uris: [`${appOrigin}/callback`],
    post_logout_redirect_uris: [`${appOrigin}/goodbye`],
    grant_types: ['authorization_code', 'refresh_token'],
  };
  const [notes, shop, tv] = await Promise.all([
    addApp(strata, { ...redirects, client_name: 'Notes', first_party: true }),
    addApp(strata, {
      ...redirects,
      client_name: 'Lantern Shop',
      client_uri: 'https://lantern.example',
      policy_uri: 'https://lantern.example/privacy',
      scope: 'openid profile email offline_access sessions:read',
    }),
    addApp(strata, tvApp),
  ]);
  const visitors: Visitor[] = [];

  return {
    strata,
    notes,
    shop,
    tv,
    appOrigin,
    visitor: async (options) => {
      const visitor = await visit(browser, [strata.origin, appOrigin], options);
      visitors.push(visitor);
      return visitor;
    },
    complaints: () => visitors.flatMap((visitor) => visitor.complaints),
    close: async () => {
      await Promise.all(visitors.map((visitor) => visitor.leave()));
      await strata.close();
    },
  };
}

/** What the apps show when the browser comes back does not matter; that it came, and with what, does. */
async function startAppServer(): Promise<{ origin: string; close(): Promise<void> }> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<link rel="icon" href="data:,">An app.');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
