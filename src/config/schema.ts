// The configuration: one schema for each section, put together here. Its inferred type is what the rest of
// the program sees; durations are milliseconds there. config/production.example.yaml tells operators the
// unit, default and reason of each setting.
import { z } from 'zod';
import { mailSection, passwordsSection, signInSection, signUpSection } from './accounts.ts';
import { apisSection, claimsHookSection } from './apis.ts';
import { addressRange, words } from './fields.ts';
import { platformsSection } from './platforms.ts';
import {
  brandingSection,
  limitsSection,
  listenSection,
  logSection,
  shutdownSection,
  storeSection,
} from './running.ts';
import { deviceFlowSection, keysSection, qrSection, sessionsSection } from './sessions.ts';

export const configSchema = z.strictObject({
  /** `production` where nothing is said, since that is the stricter one. */
  profile: z.enum(['development', 'production']).default('production'),
  /** Where the server is reached, as clients and browsers see it: scheme and host, no path (I11). */
  issuer: z
    .string()
    .refine(isOrigin, 'must be scheme and host alone, such as https://id.example.com')
    .exactOptional(),
  listen: listenSection.prefault({}),
  /** Addresses of reverse proxies whose X-Forwarded-* headers are believed. */
  trustedProxies: z.array(addressRange).max(100).default([]),
  /** Directory of everything that is kept; absolute after loading. */
  dataDir: words(4096).default('.data'),
  store: storeSection.prefault({}),
  /** File that holds the master secret; absolute after loading. */
  masterSecretFile: words(4096).exactOptional(),
  /** File that holds the one that it replaces, while `strata keys rotate-master` is due. */
  previousMasterSecretFile: words(4096).exactOptional(),
  branding: brandingSection.prefault({}),
  platforms: platformsSection.prefault({}),
  apis: apisSection.default([]),
  claimsHook: claimsHookSection.exactOptional(),
  signUp: signUpSection.prefault({}),
  mail: mailSection.prefault({}),
  passwords: passwordsSection.prefault({}),
  signIn: signInSection.prefault({}),
  sessions: sessionsSection.prefault({}),
  qr: qrSection.prefault({}),
  deviceFlow: deviceFlowSection.prefault({}),
  keys: keysSection.prefault({}),
  limits: limitsSection.prefault({}),
  log: logSection.prefault({}),
  shutdown: shutdownSection.prefault({}),
  /** Whether the playground is served at `/`. Development only. */
  playground: z.boolean().default(false),
  /** Whether demo accounts and clients are made at start. Development only. */
  demo: z.boolean().default(false),
});

/** What the file and the environment say, each setting checked by itself. */
export type Settings = z.infer<typeof configSchema>;

/** What the program runs with. All durations are milliseconds, all paths absolute. */
export type Config = Omit<Settings, 'issuer' | 'claimsHook'> & {
  issuer: string;
  /** The master secret from the environment or its file; absent only in development. */
  masterSecret?: string;
  /** The one that it replaces; opens keys and wraps none. */
  previousMasterSecret?: string;
  /** `secret` is the value of the variable that `secretEnv` names. */
  claimsHook?: NonNullable<Settings['claimsHook']> & { secret?: string };
};

function isOrigin(text: string): boolean {
  return URL.canParse(text) && /^https?:/.test(text) && new URL(text).origin === text;
}
