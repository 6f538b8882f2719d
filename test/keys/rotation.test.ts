import { describe, expect, it } from 'vitest';
import { keyUses } from '../../src/keys/keyring.ts';
import { rotationSchedule } from '../../src/keys/rotation.ts';
import { testConfig } from '../support/test-config.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describe('rotationSchedule', () => {
  it('publishes a signing key and keeps the old one as long as the settings say', () => {
    const config = testConfig({ keys: { publishLead: '7m', retire: '3d' } });

    expect(rotationSchedule('signing', config)).toEqual({ leadMs: 7 * MINUTE, keepMs: 3 * DAY });
  });

  it('keeps keys of refresh tokens until the longest session is over', () => {
    const config = testConfig({ platforms: { tv: { absolute: '800d' } } });

    for (const use of ['refresh', 'cookie', 'record'] as const) {
      expect(rotationSchedule(use, config)).toEqual({ leadMs: MINUTE, keepMs: 800 * DAY });
    }
  });

  it('keeps keys of client secrets for ever: the secrets have no end of their own', () => {
    expect(rotationSchedule('client', testConfig())).toEqual({ leadMs: MINUTE });
  });

  it('lets every process know a key before it is used', () => {
    const config = testConfig();

    for (const use of keyUses) expect(rotationSchedule(use, config).leadMs).toBeGreaterThanOrEqual(MINUTE);
  });
});
