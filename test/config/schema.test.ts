import { describe, expect, it } from 'vitest';
import { faultsOf, pathText } from '../../src/config/complaints.ts';
import { configSchema } from '../../src/config/schema.ts';

function refusedPaths(settings: object): string[] {
  const parsed = configSchema.safeParse(settings);
  return parsed.success ? [] : faultsOf(parsed.error).map(({ at }) => pathText(at));
}

const api = {
  identifier: 'https://api.example.com',
  name: 'An API',
  scopes: { 'orders:read': 'See orders' },
};

describe('issuer', () => {
  it.each([
    'https://id.example.com',
    'https://id.example.com:8443',
    'http://127.0.0.1:3000',
    'http://[::1]:3000',
  ])('may be %s', (issuer) => {
    expect(refusedPaths({ issuer })).toEqual([]);
  });

  it.each([
    'https://id.example.com/',
    'https://id.example.com/auth',
    'https://id.example.com?tenant=a',
    'https://id.example.com#a',
    'https://user:word@id.example.com',
    'https://ID.example.com',
    'https://id.example.com:443',
    'id.example.com',
    'ftp://id.example.com',
    'javascript:alert(1)',
    '',
    42,
  ])('may not be %j', (issuer) => {
    expect(refusedPaths({ issuer })).toEqual(['issuer']);
  });
});

describe('trustedProxies', () => {
  it.each(['10.0.0.0/8', '127.0.0.1', '::1', 'fd00::/8', '192.168.1.1/32'])('may list %s', (address) => {
    expect(refusedPaths({ trustedProxies: [address] })).toEqual([]);
  });

  it.each([
    '10.0.0.0/33',
    '127.1',
    '0x7f.0.0.1',
    'localhost',
    '*',
    '',
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/00',
    'loopback',
  ])('may not list %j', (address) => {
    expect(refusedPaths({ trustedProxies: [address] })).toContain('trustedProxies[0]');
  });
});

describe('apis', () => {
  it.each([
    'https://api.example.com',
    'https://api.example.com/v1/',
    'urn:example:orders',
    'com.example.orders:/api',
  ])('may be identified by %s', (identifier) => {
    expect(refusedPaths({ apis: [{ ...api, identifier }] })).toEqual([]);
  });

  it.each([
    '/orders',
    'orders',
    'https://api.example.com#v1',
    'https://api.example.com#',
    'https://',
    'https://a b',
    '',
  ])('may not be identified by %j', (identifier) => {
    expect(refusedPaths({ apis: [{ ...api, identifier }] })).toEqual(['apis[0].identifier']);
  });

  it.each(['', 'two words', 'a"b', 'a\\b', 'a\u0000b', '读', 'openid', 'offline_access', 'qr:approve'])(
    'may not have the scope %j',
    (scope) => {
      expect(refusedPaths({ apis: [{ ...api, scopes: { [scope]: 'Words' } }] })).toEqual([
        `apis[0].scopes.${scope}`,
      ]);
    },
  );

  it.each(['sub', 'aud', 'sid', 'exp', 'cnf', 'acr', 'client_id', 'scope', 'active'])(
    'may not replace the claim %s',
    (claim) => {
      expect(refusedPaths({ apis: [{ ...api, claims: { [claim]: 'roles' } }] })).toEqual([
        `apis[0].claims.${claim}`,
      ]);
    },
  );

  it.each(['roles', 'groups', 'attributes.department', 'profile.name'])(
    'may take a claim from %s',
    (path) => {
      expect(refusedPaths({ apis: [{ ...api, claims: { a: path } }] })).toEqual([]);
    },
  );

  it.each(['password', 'profile', 'attributes.', 'attributes.a.b', 'attributes.__proto__.a', 'id', ''])(
    'may not take a claim from %j',
    (path) => {
      expect(refusedPaths({ apis: [{ ...api, claims: { a: path } }] })).toEqual(['apis[0].claims.a']);
    },
  );
});

describe('single settings', () => {
  it.each<[string, object]>([
    ['store.url', { store: { url: 'mongodb://127.0.0.1' } }],
    ['store.url', { store: { url: 'mongodb://127.0.0.1/' } }],
    ['store.url', { store: { url: 'mongodb+srv://cluster.example/?tls=true' } }],
    ['store.url', { store: { url: 'mongodb:///strata' } }],
    ['store.url', { store: { url: 'mongodb://strata:pass/word@db/strata' } }],
    ['store.url', { store: { url: 'postgres://127.0.0.1/strata' } }],
    ['store.url', { store: { url: 'sqlite:' } }],
    ['store.url', { store: { url: 'strata.db' } }],
    ['branding.logoUrl', { branding: { logoUrl: 'https://cdn.example.com/logo.svg' } }],
    ['branding.logoUrl', { branding: { logoUrl: '//cdn.example.com/logo.svg' } }],
    ['branding.logoUrl', { branding: { logoUrl: '/\\cdn.example.com/logo.svg' } }],
    ['mail.from', { mail: { from: 'a@example.com\r\nBcc: b@example.com' } }],
    ['mail.from', { mail: { from: 'nobody' } }],
    ['mail.smtpUrl', { mail: { smtpUrl: 'https://mail.example.com' } }],
    ['mail.smtpUrl', { mail: { smtpUrl: 'smtp://' } }],
    ['mail.smtpUrl', { mail: { smtpUrl: 'smtp://host:port' } }],
    ['claimsHook.url', { claimsHook: { url: 'http://hooks.example.com' } }],
    ['claimsHook.timeout', { claimsHook: { url: 'https://hooks.example.com', timeout: '31s' } }],
    ['claimsHook.url', { claimsHook: {} }],
    ['qr.rotateEvery', { qr: { rotateEvery: '61s' } }],
    ['sessions.authorizationCode', { sessions: { authorizationCode: '11m' } }],
    ['sessions.tombstones', { sessions: { tombstones: 90 } }],
    ['passwords.lengthMin', { passwords: { lengthMin: 4 } }],
    ['limits.bodyBytes', { limits: { bodyBytes: 1.5 } }],
    ['playground', { playground: 'yes' }],
    ['apis', { apis: {} }],
    ['log', { log: 'info' }],
  ])('refuses %s in %j', (path, settings) => {
    expect(refusedPaths(settings)).toEqual([path]);
  });

  it.each([
    'sqlite:strata.db',
    'sqlite:/var/lib/strata/strata.db',
    'sqlite::memory:',
    'mongodb://127.0.0.1/strata',
    'mongodb://strata:secret@a:27017,b:27017/strata?replicaSet=rs0&tls=true',
    'mongodb+srv://strata:secret@cluster.example/strata',
  ])('takes %s for the store', (url) => {
    expect(refusedPaths({ store: { url } })).toEqual([]);
  });

  it('does not repeat an address that may hold a password (I7)', () => {
    const parsed = configSchema.safeParse({ store: { url: 'mongodb://strata:s3cr3t@db' } });

    expect(parsed.error?.issues).toHaveLength(1);
    expect(JSON.stringify(parsed.error)).not.toContain('s3cr3t');
  });
});
