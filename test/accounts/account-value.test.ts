import { describe, expect, it } from 'vitest';
import { newAccount } from '../../src/accounts/account.ts';
import { type AccountPath, accountValue, isAccountPath } from '../../src/accounts/account-value.ts';

const draft = newAccount(
  {
    name: 'Alice',
    username: 'alice',
    roles: ['editor'],
    groups: ['staff'],
    attributes: { plan: 'gold', 'cost.centre': 42, nested: { deep: true }, empty: null },
    profile: { locale: 'zh' },
  },
  0,
);

describe('accountValue', () => {
  it.each([
    ['roles', ['editor']],
    ['groups', ['staff']],
    ['attributes.plan', 'gold'],
    ['attributes.cost.centre', 42],
    ['attributes.nested', { deep: true }],
    ['attributes.empty', null],
    ['attributes.nested.deep', undefined],
    ['attributes.missing', undefined],
    ['attributes.constructor', undefined],
    ['attributes.__proto__', undefined],
    ['profile.locale', 'zh'],
    ['profile.plan', undefined],
  ] as const)('finds what stands at %s', (path: AccountPath, expected) => {
    if (draft.kind !== 'valid') throw new Error(draft.field);

    expect(accountValue(draft.account, path)).toEqual(expected);
  });
});

describe('isAccountPath', () => {
  it.each(['roles', 'groups', 'attributes.a', 'profile.given_name', 'attributes.a.b'])('knows %s', (path) => {
    expect(isAccountPath(path)).toBe(true);
  });

  it.each(['', 'password', 'email', 'attributes', 'attributes.', 'roles.x', 'xroles', 'Attributes.a', 'id'])(
    'does not know "%s"',
    (path) => {
      expect(isAccountPath(path)).toBe(false);
    },
  );
});
