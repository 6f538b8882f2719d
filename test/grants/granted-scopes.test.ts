import { describe, expect, it } from 'vitest';
import type { ClientRecord } from '../../src/clients/client.ts';
import { grantedScopes, type ScopeContext, scopeCeiling } from '../../src/grants/granted-scopes.ts';

const api = 'https://api.example';
const own = 'https://id.example/api';
const everything = 'openid profile email read write qr:approve sessions:read';

function context(
  metadata: Partial<ClientRecord['metadata']>,
  more: Partial<Omit<ScopeContext, 'client'>> = {},
): ScopeContext {
  return {
    client: { id: 'app', metadata: { scope: everything, ...metadata }, createdAt: 0, sessionGeneration: 1 },
    platform: {},
    apiScopes: new Map([
      [api, ['read', 'write']],
      [own, ['qr:approve', 'sessions:read']],
    ]),
    ...more,
  };
}

const wide = { scope: 'openid profile read write', resource: [api] };

describe('scopeCeiling', () => {
  it('parts scopes of OpenID from those of each resource', () => {
    expect(scopeCeiling(wide, context({}))).toEqual({
      openid: 'openid profile',
      resources: { [api]: 'read write' },
    });
  });

  it('leaves out resources of which nothing is asked for', () => {
    expect(scopeCeiling({ scope: 'openid', resource: [api] }, context({})).resources).toEqual({});
  });

  it.each([
    ['an unknown scope', { scope: 'openid dance', resource: [api] }],
    ['scopes of a resource that is not asked for', { scope: 'openid read', resource: [] }],
    ['scopes of an unknown resource', { scope: 'openid read', resource: ['https://nobody.example'] }],
    ['blanks', { scope: '  openid   ', resource: [] }],
  ])('gives %s no meaning', (_case, request) => {
    expect(scopeCeiling(request, context({}))).toEqual({ openid: 'openid', resources: {} });
  });

  it('keeps within the registration of the client', () => {
    expect(scopeCeiling(wide, context({ scope: 'openid read' }))).toEqual({
      openid: 'openid',
      resources: { [api]: 'read' },
    });
  });

  it('gives a client that is registered for none those of OpenID alone, first-party or not', () => {
    for (const first_party of [true, false]) {
      const { client } = context({ first_party });
      const { scope: _scope, ...metadata } = client.metadata;
      const unscoped = { ...context({}), client: { ...client, metadata } };

      expect(scopeCeiling(wide, unscoped)).toEqual({ openid: 'openid profile', resources: {} });
    }
  });

  it('keeps within the platform, which never takes openid away', () => {
    const tv = { platform: { scopes: ['read'] } };

    expect(scopeCeiling(wide, context({}, tv))).toEqual({ openid: 'openid', resources: { [api]: 'read' } });
  });

  it.each([
    [{ first_party: true, qr_approve: true }, 'qr:approve sessions:read'],
    [{ first_party: true }, 'sessions:read'],
    [{ qr_approve: true }, 'sessions:read'],
    [{ first_party: true, scope: 'qr:approve sessions:read' }, 'sessions:read'],
  ])('lets in other devices only for apps that are marked: %o', (metadata, expected) => {
    const asked = { scope: 'qr:approve sessions:read', resource: [own] };

    expect(scopeCeiling(asked, context(metadata)).resources).toEqual({ [own]: expected });
  });
});

describe('grantedScopes', () => {
  it('is the ceiling for an app of the house', () => {
    const ours = context({ first_party: true });

    expect(grantedScopes(wide, ours)).toEqual(scopeCeiling(wide, ours));
  });

  it('is nothing for an app of others before anybody consented', () => {
    expect(grantedScopes(wide, context({}))).toEqual({ openid: '', resources: {} });
  });

  it('is what was consented to, as far as it is asked for', () => {
    const consent = { openid: ['openid', 'email'], resources: { [api]: ['write'] }, claims: [] };

    expect(grantedScopes(wide, context({}, { consent }))).toEqual({
      openid: 'openid',
      resources: { [api]: 'write' },
    });
  });

  it('is never more than the ceiling, though more was consented to once', () => {
    const consent = { openid: ['openid', 'profile'], resources: { [api]: ['read', 'write'] }, claims: [] };
    const narrowed = context({ scope: 'openid read' }, { consent });

    expect(grantedScopes(wide, narrowed)).toEqual({ openid: 'openid', resources: { [api]: 'read' } });
  });

  it('does not mix resources up', () => {
    const consent = { openid: [], resources: { [own]: ['read'] }, claims: [] };

    expect(grantedScopes(wide, context({}, { consent })).resources).toEqual({});
  });
});
