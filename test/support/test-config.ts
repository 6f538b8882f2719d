// A configuration for tests: the development profile, a database in memory, password hashes that cost
// nothing. Overrides are written as in the file, so that tests read like an operator's settings.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import { type Config, configSchema } from '../../src/config/schema.ts';

type Written = z.input<typeof configSchema>;

/** A section's fields are replaced one by one, everything else as a whole. */
export type TestSettings = { [Section in keyof Written]?: Written[Section] };

const testSettings = {
  profile: 'development',
  issuer: 'http://127.0.0.1:3000',
  listen: { host: '127.0.0.1', port: 0 },
  dataDir: join(tmpdir(), 'strata-test-unused'),
  store: { url: 'sqlite::memory:' },
  apis: [
    {
      identifier: 'https://demo-api.example',
      name: 'Demo API',
      scopes: { 'demo:read': 'See the demo notes', 'demo:write': 'Change the demo notes' },
      claims: { roles: 'roles', groups: 'groups' },
    },
  ],
  signUp: { enabled: true },
  passwords: { testCost: true },
  // Tests begin more sign-ins in a minute that does not pass than any network does.
  limits: { authorizationsPerMinute: 1_000_000 },
  log: { level: 'silent' },
  playground: true,
} satisfies TestSettings;

/** The master secret of all tests; random-looking, since others are refused. */
export const testMasterSecret = 'kZ3v9Qm1Xr7Lw5Tt0Bn8Hc2Yd6Pg4Js-';

export function testConfig(overrides: TestSettings = {}): Config {
  const sections = Object.entries(overrides).map(([name, value]) => [name, merged(name, value)]);
  const settings = configSchema.parse({ ...testSettings, ...Object.fromEntries(sections) });
  return { ...settings, issuer: settings.issuer ?? testSettings.issuer, masterSecret: testMasterSecret };
}

function merged(name: string, value: unknown): unknown {
  const own: unknown = Reflect.get(testSettings, name);
  return isGroup(own) && isGroup(value) ? { ...own, ...value } : value;
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
