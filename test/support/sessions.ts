// Device sessions as the store has them, for flow tests that look behind the answers.

import { expect } from 'vitest';
import type { AccountId, SessionId } from '../../src/core/ids.ts';
import { type DeviceSession, deviceSessions, type EndReason } from '../../src/sessions/device-session.ts';
import { endAllOfAccount, endSession } from '../../src/sessions/ending.ts';
import { claimsOf, type TestApp, type Tokens } from './app.ts';
import type { TestServer } from './test-server.ts';

/** Oldest first. */
export async function sessionsOf(strata: TestServer, account: { id: string }): Promise<DeviceSession[]> {
  const page = await strata.store.list(deviceSessions, 'account', account.id, { limit: 400 });
  return [...page.records];
}

export async function liveSessionsOf(strata: TestServer, account: { id: string }): Promise<DeviceSession[]> {
  return (await sessionsOf(strata, account)).filter(({ state }) => state === 'live');
}

export async function sessionOf(strata: TestServer, tokens: { id_token: string }): Promise<DeviceSession> {
  const session = await strata.store.get(deviceSessions, sidOf(tokens));
  if (!session) throw new Error('the session is gone');
  return session;
}

export function sidOf(tokens: { id_token: string }): SessionId {
  return claimsOf(tokens.id_token).sid;
}

/** As an administrator would: by the function that every way of ending uses. */
export function end(
  strata: TestServer,
  id: SessionId,
  reason: EndReason,
  by = 'admin:test',
): Promise<boolean> {
  return endSession(endingDeps(strata), id, { reason, by });
}

export function endAll(
  strata: TestServer,
  account: { id: string },
  reason: EndReason,
  keep?: SessionId,
): Promise<SessionId[]> {
  const cause = { reason, by: 'admin:test', ...(keep && { keep }) };
  // The id is one that the server gave out.
  return endAllOfAccount(endingDeps(strata), account.id as AccountId, cause);
}

export function endingDeps({ store, clock }: TestServer) {
  return { store, clock, settings: { tombstonesMs: 90 * 86_400_000, accessTokenMaxMs: 1_000_000 } };
}

/** Refresh tells the reason, and no token of the app works any more (I1). */
export async function expectEnded(app: TestApp, tokens: Tokens, reason: string): Promise<void> {
  const refused = await app.refresh(tokens.refresh_token);
  expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant', error_reason: reason } });
  expect((await app.userinfo(tokens.access_token)).status).toBe(401);
  if (app.secret === '') return;

  expect((await app.introspect(tokens.refresh_token)).body).toEqual({ active: false });
  expect((await app.introspect(tokens.access_token)).body).toEqual({ active: false });
}
