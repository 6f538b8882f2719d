// A server with one app of each kind and one person, for flow tests that need no more than that.
import { addApp, nativeApp, type TestApp, tvApp, webApp } from './app.ts';
import type { TestSettings } from './test-config.ts';
import { startTestServer, type TestServer } from './test-server.ts';

export interface AppsServer {
  strata: TestServer;
  web: TestApp;
  native: TestApp;
  tv: TestApp;
  person: Awaited<ReturnType<TestServer['addAccount']>>;
}

export async function startWithApps(config: TestSettings = {}): Promise<AppsServer> {
  const strata = await startTestServer({ config });
  const [web, native, tv, person] = await Promise.all([
    addApp(strata, webApp),
    addApp(strata, nativeApp),
    addApp(strata, tvApp),
    strata.addAccount(),
  ]);
  return { strata, web, native, tv, person };
}
