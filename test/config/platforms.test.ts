import { describe, expect, it } from 'vitest';
import { platformsSection } from '../../src/config/platforms.ts';

const DAY = 86_400_000;

describe('the platform table', () => {
  const table = platformsSection.parse({});

  it('knows the twelve platforms, their classes and their OpenIM numbers', () => {
    const known = Object.entries(table).map(([name, platform]) => [
      name,
      platform.class,
      platform.imPlatform,
    ]);

    expect(known).toEqual([
      ['ios', 'phone', 1],
      ['android', 'phone', 2],
      ['harmonyos', 'phone', 11],
      ['ipad', 'tablet', 9],
      ['android-pad', 'tablet', 8],
      ['windows', 'desktop', 3],
      ['macos', 'desktop', 4],
      ['linux', 'desktop', 7],
      ['web', 'browser', 5],
      ['mini-program', 'mini-program', 6],
      ['tv', 'tv', undefined],
      ['api', 'server', undefined],
    ]);
  });

  it('keeps browsers signed in for hours, phones for months, and servers without limit', () => {
    expect(table.web?.absolute).toBe(DAY);
    expect(table.ios?.idle).toBe(90 * DAY);
    expect(table.api).toEqual({ class: 'server', accessToken: 900_000 });
  });

  it('changes single fields and leaves the others of that platform alone', () => {
    const changed = platformsSection.parse({ web: { idle: '2h', scopes: ['openid'] } });

    expect(changed.web).toEqual({ ...table.web, idle: 7_200_000, scopes: ['openid'] });
    expect(changed.ios).toEqual(table.ios);
  });

  it('adds platforms, which take from their class what they do not say', () => {
    const changed = platformsSection.parse({ watch: { class: 'phone', accessToken: '5m' } });

    expect(changed.watch).toEqual({
      class: 'phone',
      idle: 90 * DAY,
      absolute: 365 * DAY,
      accessToken: 300_000,
    });
  });

  it('wants the class of a platform that it does not know', () => {
    const parsed = platformsSection.safeParse({ watch: { idle: '1d' } });

    expect(parsed.error?.issues).toMatchObject([{ path: ['watch', 'class'], message: 'is required' }]);
  });

  it.each(['Watch', 'smart watch', '1st', '-a', '', 'a'.repeat(33)])('refuses the name %j', (name) => {
    expect(platformsSection.safeParse(Object.fromEntries([[name, { class: 'phone' }]])).success).toBe(false);
  });

  it('finds nothing under names that every object has', () => {
    expect(table.constructor).toBeUndefined();
    expect(table.toString).toBeUndefined();
  });

  it.each([0, 10, 13, 1.5, '1'])('refuses the OpenIM number %j', (imPlatform) => {
    expect(platformsSection.safeParse({ ios: { imPlatform } }).success).toBe(false);
  });
});
