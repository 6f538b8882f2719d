// The platform table: how long a device of each kind stays signed in and what it may ask for at most. The
// more public the place and the easier the keyboard, the shorter the session: browsers live hours, phones
// months. What a class says holds for its platforms; an operator overrides single fields or adds platforms.
import { z } from 'zod';
import { count, duration, scopeName } from './fields.ts';

export const platformClasses = [
  'phone',
  'tablet',
  'desktop',
  'browser',
  'mini-program',
  'tv',
  'server',
] as const;

export type PlatformClass = (typeof platformClasses)[number];

export interface PlatformSettings {
  class: PlatformClass;
  /** OpenIM's number of the platform; absent where OpenIM knows none. */
  imPlatform?: number;
  /** A session ends when nothing was heard of it for so long, in ms; absent for servers alone. */
  idle?: number;
  /** A session ends so long after its sign-in, used or not, in ms; absent for servers alone. */
  absolute?: number;
  /** Lifetime of its access tokens in ms. */
  accessToken: number;
  /** The scopes that a session there may ever have; absent = no ceiling. */
  scopes?: string[];
}

/** All platforms by name. */
export type PlatformTable = Readonly<Record<string, PlatformSettings>>;

/** 10 is OpenIM's administrator: a token for it would rule the whole IM service. */
const OPENIM_ADMIN_PLATFORM = 10;

const platformSchema = z.strictObject({
  class: z.enum(platformClasses).exactOptional(),
  imPlatform: count({ min: 1, max: 12 })
    .refine((id) => id !== OPENIM_ADMIN_PLATFORM, "must not be 10, OpenIM's administrator platform")
    .exactOptional(),
  idle: duration({ min: '1m', max: '3650d' }).exactOptional(),
  absolute: duration({ min: '1m', max: '3650d' }).exactOptional(),
  accessToken: duration({ min: '30s', max: '24h' }).exactOptional(),
  scopes: z.array(scopeName).min(1).max(200).exactOptional(),
});

const platformName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be named in lower-case letters, digits and hyphens, 32 at most');

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const personal = { idle: 90 * DAY, absolute: 365 * DAY, accessToken: 15 * MINUTE };

const classDefaults: Readonly<Record<PlatformClass, Omit<PlatformSettings, 'class'>>> = {
  phone: personal,
  tablet: personal,
  desktop: { idle: 30 * DAY, absolute: 180 * DAY, accessToken: 15 * MINUTE },
  browser: { idle: 8 * HOUR, absolute: 24 * HOUR, accessToken: 10 * MINUTE },
  'mini-program': { idle: 30 * DAY, absolute: 90 * DAY, accessToken: 15 * MINUTE },
  tv: { idle: 90 * DAY, absolute: 365 * DAY, accessToken: 15 * MINUTE },
  server: { accessToken: 15 * MINUTE },
};

const knownPlatforms: Readonly<Record<string, Pick<PlatformSettings, 'class' | 'imPlatform'>>> = {
  ios: { class: 'phone', imPlatform: 1 },
  android: { class: 'phone', imPlatform: 2 },
  harmonyos: { class: 'phone', imPlatform: 11 },
  ipad: { class: 'tablet', imPlatform: 9 },
  'android-pad': { class: 'tablet', imPlatform: 8 },
  windows: { class: 'desktop', imPlatform: 3 },
  macos: { class: 'desktop', imPlatform: 4 },
  linux: { class: 'desktop', imPlatform: 7 },
  web: { class: 'browser', imPlatform: 5 },
  'mini-program': { class: 'mini-program', imPlatform: 6 },
  tv: { class: 'tv' },
  api: { class: 'server' },
};

/**
 * The table by platform name: the operator's fields over what is known of the platform and its class. It has
 * no prototype, so that a client that claims the platform `constructor` finds nothing.
 */
export const platformsSection = z
  .record(platformName, platformSchema)
  .transform((overrides, context): PlatformTable => {
    const table: Record<string, PlatformSettings> = Object.create(null);
    for (const name of new Set([...Object.keys(knownPlatforms), ...Object.keys(overrides)])) {
      const platform = { ...knownPlatforms[name], ...overrides[name] };
      if (platform.class === undefined) {
        context.issues.push({
          code: 'custom',
          path: [name, 'class'],
          message: 'is required',
          input: overrides,
        });
        continue;
      }
      table[name] = { ...classDefaults[platform.class], ...platform, class: platform.class };
    }
    return table;
  });
