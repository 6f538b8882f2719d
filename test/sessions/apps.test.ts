import { describe, expect, it } from 'vitest';
import { firstApp, planIssuance } from '../../src/sessions/apps.ts';
import type { DeviceSession } from '../../src/sessions/device-session.ts';
import type { FieldChange } from '../../src/storage/store.ts';
import { issuance, sessionWith } from './session-fixtures.ts';

const now = 1_000_000;
const limits = { appsMax: 32, chainsMax: 4 };

function plan(session: DeviceSession, given = issuance('notes'), at = now + 1000) {
  return planIssuance(session, given, { limits, now: at });
}

/** The new value of a field, or a symbol that says it is left alone. */
const untouched = Symbol('untouched');

function changeOf(set: readonly FieldChange[], ...path: string[]): unknown {
  const found = set.find(([each]) => each.join('/') === path.join('/'));
  return found ? found[1] : untouched;
}

/** A session whose first app has this many chains, the later the more recently used. */
function withChains(count: number): DeviceSession {
  const session = sessionWith(['notes'], { now });
  const [app] = Object.values(session.apps);
  const [chain] = Object.values(app?.chains ?? {});
  if (!app || !chain) throw new Error('the fixture has an app with a chain');

  const chains = Array.from({ length: count }, (_, index) => [
    String(index + 1),
    { ...chain, lastUsedAt: now + index },
  ]);
  return { ...session, apps: { 1: { ...app, chains: Object.fromEntries(chains), nextChain: count + 1 } } };
}

describe('firstApp', () => {
  it('opens its first chain where a refresh token is issued', () => {
    const app = firstApp(issuance('notes'), now);

    expect(app).toMatchObject({ clientId: 'notes', nextChain: 2, startedAt: now, lastActiveAt: now });
    expect(app.chains[1]).toMatchObject({ salt: 'salt of notes', proven: 0, minted: 1 });
  });

  it('has no chain where none is', () => {
    const { chain: _none, ...without } = issuance('notes');

    expect(firstApp(without, now)).toMatchObject({ nextChain: 1, chains: {} });
  });
});

describe('planIssuance for a client that is new to the session', () => {
  it('adds an app under the next number and depends on that number', () => {
    const session = sessionWith(['mail'], { now });

    const { appNumber, chainNumber, when, set, dropped } = plan(session);

    expect({ appNumber, chainNumber, dropped }).toEqual({ appNumber: '2', chainNumber: '1', dropped: [] });
    expect(when).toEqual([
      { path: ['state'], is: 'live' },
      { path: ['nextApp'], is: 2 },
    ]);
    expect(changeOf(set, 'nextApp')).toBe(3);
    expect(changeOf(set, 'apps', '2')).toMatchObject({ clientId: 'notes' });
  });

  it('gives the client a new number where its app there has ended', () => {
    const session = sessionWith(['notes', 'mail'], { now });
    const [notes] = Object.values(session.apps);
    if (notes) notes.ended = { at: now, reason: 'signed_out', by: 'account' };

    expect(plan(session).appNumber).toBe('3');
  });

  it('drops the least recently active of 32 with policy (I12)', () => {
    const clients = Array.from({ length: 32 }, (_, index) => `client ${index}`);
    const session = sessionWith(clients, { now });
    const [first] = Object.values(session.apps);
    if (first) first.lastActiveAt = now + 500;

    const { dropped, set } = plan(session);

    expect(dropped).toEqual([
      { appNumber: '2', clientId: 'client 1', end: { at: now + 1000, reason: 'policy', by: 'system' } },
    ]);
    expect(changeOf(set, 'apps', '2', 'ended')).toMatchObject({ reason: 'policy' });
  });

  it('drops none of 31', () => {
    const clients = Array.from({ length: 31 }, (_, index) => `client ${index}`);

    expect(plan(sessionWith(clients, { now })).dropped).toEqual([]);
  });

  it('forgets the oldest of the ended ones, beyond 32 (I12)', () => {
    const clients = Array.from({ length: 34 }, (_, index) => `client ${index}`);
    const session = sessionWith(clients, { now });
    for (const app of Object.values(session.apps))
      app.ended = { at: now, reason: 'signed_out', by: 'account' };

    const { set } = plan(session);

    expect(changeOf(set, 'apps', '1')).toBeUndefined();
    expect(changeOf(set, 'apps', '2')).toBeUndefined();
    expect(changeOf(set, 'apps', '3')).toBe(untouched);
  });
});

describe('planIssuance for a client that is there', () => {
  it('opens one more chain and depends on its number, and on the app being live', () => {
    const { appNumber, chainNumber, when, set } = plan(sessionWith(['mail', 'notes'], { now }));

    expect({ appNumber, chainNumber }).toEqual({ appNumber: '2', chainNumber: '2' });
    expect(when).toEqual([
      { path: ['state'], is: 'live' },
      { path: ['apps', '2', 'ended'], absent: true },
      { path: ['apps', '2', 'nextChain'], is: 2 },
    ]);
    expect(changeOf(set, 'apps', '2', 'nextChain')).toBe(3);
    expect(changeOf(set, 'apps', '2', 'chains', '2')).toMatchObject({ salt: 'salt of notes', minted: 1 });
    expect(changeOf(set, 'apps', '2', 'chains', '1')).toBe(untouched);
  });

  it('drops the least recently used of four chains, and no number is used twice', () => {
    const { chainNumber, set } = plan(withChains(4));

    expect(chainNumber).toBe('5');
    expect(changeOf(set, 'apps', '1', 'chains', '1')).toBeUndefined();
    expect(changeOf(set, 'apps', '1', 'chains', '2')).toBe(untouched);
  });

  it('drops as many as a smaller limit asks for', () => {
    const { set } = planIssuance(withChains(4), issuance('notes'), {
      limits: { appsMax: 32, chainsMax: 2 },
      now,
    });

    const gone = ['1', '2', '3', '4'].filter(
      (number) => changeOf(set, 'apps', '1', 'chains', number) === undefined,
    );
    expect(gone).toEqual(['1', '2', '3']);
  });

  it('opens none without a refresh token, and touches the app', () => {
    const { chain: _none, ...without } = issuance('notes');

    const { chainNumber, set } = plan(sessionWith(['notes'], { now }), without);

    expect(chainNumber).toBeUndefined();
    expect(changeOf(set, 'apps', '1', 'lastActiveAt')).toBe(now + 1000);
    expect(changeOf(set, 'apps', '1', 'nextChain')).toBe(untouched);
  });

  it('adds what is granted to what was', () => {
    const session = sessionWith(['notes'], { now });
    const [app] = Object.values(session.apps);
    if (app) app.grant = { openid: 'openid email', resources: { one: 'read' }, claims: ['a'] };

    const { set } = plan(session, {
      ...issuance('notes'),
      grant: { openid: 'openid profile', resources: { one: 'write', two: 'read' }, claims: ['b'] },
    });

    expect(changeOf(set, 'apps', '1', 'grant')).toEqual({
      openid: 'openid email profile',
      resources: { one: 'read write', two: 'read' },
      claims: ['a', 'b'],
    });
  });
});
