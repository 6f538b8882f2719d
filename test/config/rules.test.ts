import { describe, expect, it } from 'vitest';
import { brokenRules } from '../../src/config/rules.ts';
import type { Config } from '../../src/config/schema.ts';
import { configurationWarnings } from '../../src/config/warnings.ts';
import { type TestSettings, testConfig } from '../support/test-config.ts';

const production: TestSettings = {
  profile: 'production',
  issuer: 'https://id.example.com',
  store: { url: 'sqlite:strata.db' },
  signUp: { enabled: false },
  passwords: { testCost: false },
  playground: false,
  trustedProxies: ['127.0.0.1'],
};

function brokenPaths(settings: TestSettings, changes: Partial<Config> = {}): string[] {
  return brokenRules({ ...testConfig(settings), ...changes }).map(({ at }) => at.join('.'));
}

const api = (identifier: string) => ({ identifier, name: 'An API', scopes: { read: 'Read' } });

describe('brokenRules', () => {
  it('finds nothing wrong with the test profile and with a careful production', () => {
    expect(brokenRules(testConfig())).toEqual([]);
    expect(brokenRules(testConfig(production))).toEqual([]);
  });

  it.each(['http://127.0.0.1:3000', 'http://127.8.8.8', 'http://localhost:3000', 'http://[::1]:3000'])(
    'lets production speak http on this machine: %s',
    (issuer) => {
      expect(brokenPaths({ ...production, issuer })).toEqual([]);
    },
  );

  it.each([
    'http://id.example.com',
    'http://127.0.0.1.example.com',
    'http://10.0.0.1',
    'http://localhost.example',
  ])('wants https for %s in both profiles', (issuer) => {
    expect(brokenPaths({ ...production, issuer })).toEqual(['issuer']);
    expect(brokenPaths({ issuer })).toEqual(['issuer']);
  });

  it.each<[string, TestSettings, string]>([
    ['the playground', { playground: true }, 'playground'],
    ['demo accounts', { demo: true }, 'demo'],
    ['a store in memory', { store: { url: 'sqlite::memory:' } }, 'store.url'],
    ['sign-up without a mail server', { signUp: { enabled: true } }, 'mail.smtpUrl'],
  ])('refuses %s in production, not in development', (_what, settings, path) => {
    expect(brokenPaths({ ...production, ...settings })).toEqual([path]);
    expect(brokenPaths(settings)).toEqual([]);
  });

  it('wants a master secret in production', () => {
    const { masterSecret: _, ...without } = testConfig(production);

    expect(brokenRules(without).map(({ at }) => at.join('.'))).toEqual(['masterSecretFile']);
  });

  it('blames the place that a weak master secret came from', () => {
    expect(brokenPaths({}, { masterSecret: 'changeme' })).toEqual(['STRATA_MASTER_SECRET']);
    expect(brokenPaths({}, { masterSecret: 'changeme', masterSecretFile: '/run/master' })).toEqual([
      'masterSecretFile',
    ]);
  });

  it('blames the place that the master secret before came from', () => {
    const { masterSecret = '' } = testConfig();
    const previous = { previousMasterSecret: masterSecret };
    expect(brokenPaths({}, previous)).toEqual(['STRATA_MASTER_SECRET_PREVIOUS']);
    expect(brokenPaths({}, { ...previous, previousMasterSecretFile: '/run/previous' })).toEqual([
      'previousMasterSecretFile',
    ]);
    expect(brokenPaths({}, { previousMasterSecret: 'another' })).toEqual([]);
  });

  it('keeps idle limits within absolute ones, defaults included', () => {
    expect(brokenPaths({ platforms: { web: { idle: '24h' } } })).toEqual([]);
    expect(brokenPaths({ platforms: { web: { idle: '25h' } } })).toEqual(['platforms.web.idle']);
    expect(brokenPaths({ platforms: { ios: { absolute: '30d' } } })).toEqual(['platforms.ios.idle']);
  });

  it('knows no limits of server sessions', () => {
    expect(brokenPaths({ platforms: { api: { idle: '1h' } } })).toEqual(['platforms.api']);
    expect(brokenPaths({ platforms: { batch: { class: 'server', absolute: '1h' } } })).toEqual([
      'platforms.batch',
    ]);
  });

  it('refuses an API whose identifier is taken', () => {
    const apis = [api('https://a.example'), api('https://b.example'), api('https://a.example')];

    expect(brokenPaths({ apis })).toEqual(['apis.2.identifier']);
    expect(brokenPaths({ apis: [api('http://127.0.0.1:3000/api')] })).toEqual(['apis.0.identifier']);
  });

  it.each([
    [19_456, 2, true],
    [7_168, 5, true],
    [47_104, 1, true],
    [19_456, 1, false],
    [7_168, 4, false],
  ])('judges Argon2id with %d KiB and %d passes', (memoryKiB, passes, enough) => {
    expect(brokenPaths({ passwords: { memoryKiB, passes } })).toEqual(enough ? [] : ['passwords.passes']);
  });

  it('keeps the parts of a QR sign-in and of a request within the whole', () => {
    expect(brokenPaths({ qr: { transaction: '1m', approval: '2m' } })).toEqual(['qr.approval']);
    expect(brokenPaths({ limits: { headersTimeout: '40s' } })).toEqual(['limits.headersTimeout']);
  });

  it('lets the announcement of a stop be no longer than the stop', () => {
    expect(brokenPaths({ shutdown: { announce: '10s', grace: '10s' } })).toEqual([]);
    expect(brokenPaths({ shutdown: { announce: '11s', grace: '10s' } })).toEqual(['shutdown.announce']);
  });

  it('publishes a replaced key as long as the longest access token lives, jitter included', () => {
    expect(brokenPaths({ keys: { retire: '1h' }, platforms: { ios: { accessToken: '57m' } } })).toEqual([]);
    expect(brokenPaths({ keys: { retire: '1h' }, platforms: { ios: { accessToken: '1h' } } })).toEqual([
      'keys.retire',
    ]);
    expect(brokenPaths({ apis: [{ ...api('https://a.example'), accessToken: '24h' }] })).toEqual([
      'keys.retire',
    ]);
  });
});

describe('configurationWarnings', () => {
  it('says that demo accounts are open to other machines', () => {
    const demo = { ...production, profile: 'development', demo: true } satisfies TestSettings;

    expect(configurationWarnings(testConfig({ ...demo, listen: { host: '::1' } }))).toEqual([]);
    expect(configurationWarnings(testConfig({ ...demo, listen: { host: '0.0.0.0' } }))).toEqual([
      expect.stringContaining('demo is on'),
    ]);
  });

  it('says that a master secret is still being replaced', () => {
    expect(configurationWarnings({ ...testConfig(production), previousMasterSecret: 'old' })).toEqual([
      expect.stringContaining('rotate-master'),
    ]);
  });

  it('is silent about a careful production', () => {
    expect(configurationWarnings(testConfig(production))).toEqual([]);
  });

  it.each<[string, TestSettings]>([
    ['qr.confirm is none', { qr: { confirm: 'none' } }],
    ['qr.confirm is tap', { qr: { confirm: 'tap' } }],
    ['trustedProxies is empty', { trustedProxies: [] }],
    ['passwords.testCost is on', { passwords: { testCost: true } }],
  ])('says that %s', (words, settings) => {
    expect(configurationWarnings(testConfig({ ...production, ...settings }))).toEqual([
      expect.stringContaining(words),
    ]);
  });
});
