// What a process has answered before its power was cut, and whether the store that is left keeps it (I8).

import type { SessionId } from '../../src/core/ids.ts';
import { authorizationCodes, consumingWrites } from '../../src/grants/one-time-codes.ts';
import { deviceSessions } from '../../src/sessions/device-session.ts';
import type { Store } from '../../src/storage/store.ts';

/** A commit that was answered. */
export type Answered =
  | { kind: 'issued'; codeId: string }
  | { kind: 'redeemed'; codeId: string; sessionId: SessionId; replaced: SessionId[] }
  | { kind: 'refreshed'; sessionId: SessionId; revision: number }
  | { kind: 'ended'; sessionId: SessionId };

export interface Kept {
  /** Sentences about answered commits that are not there. */
  lost: string[];
  /** Codes whose redemption was answered and that work once more. */
  redeemedAgain: number;
}

export async function whatIsKept(store: Store, answered: readonly Answered[]): Promise<Kept> {
  const lost = await Promise.all(answered.map((commit) => lossOf(store, commit)));
  const codes = answered.filter((commit) => commit.kind === 'redeemed');
  const again = await Promise.all(codes.map((code) => worksAgain(store, code)));
  return { lost: lost.filter((loss) => loss !== undefined), redeemedAgain: again.filter(Boolean).length };
}

async function lossOf(store: Store, commit: Answered): Promise<string | undefined> {
  switch (commit.kind) {
    case 'issued':
      return (await store.get(authorizationCodes, commit.codeId)) ? undefined : 'a code is gone';
    case 'redeemed':
      return lossOfRedemption(store, commit);
    case 'refreshed': {
      const session = await store.get(deviceSessions, commit.sessionId);
      const revision = session?.apps['1']?.chains['1']?.revision ?? 0;
      return revision >= commit.revision ? undefined : `revision ${commit.revision} is gone`;
    }
    case 'ended':
      return (await isEnded(store, commit.sessionId)) ? undefined : 'an ended session is back';
  }
}

async function lossOfRedemption(
  store: Store,
  { codeId, sessionId, replaced }: Extract<Answered, { kind: 'redeemed' }>,
): Promise<string | undefined> {
  const code = await store.get(authorizationCodes, codeId);
  const session = await store.get(deviceSessions, sessionId);
  const ends = await Promise.all(replaced.map((id) => isEnded(store, id)));
  if (code?.consumedAt === undefined) return 'a redeemed code is as new';
  if (session === undefined) return 'a session that was started is gone';
  return ends.every(Boolean) ? undefined : 'a session that was replaced is back';
}

async function isEnded(store: Store, sessionId: SessionId): Promise<boolean> {
  return (await store.get(deviceSessions, sessionId))?.state === 'ended';
}

async function worksAgain(
  store: Store,
  { codeId, sessionId }: Extract<Answered, { kind: 'redeemed' }>,
): Promise<boolean> {
  const plan = { kind: 'join', sessionId, grant: { openid: '', resources: {} } } as const;
  const outcome = await store.commit(
    consumingWrites(
      authorizationCodes,
      { id: codeId, clientId: 'app', plan },
      { now: store.clock.now(), opened: { sessionId, appNumber: '1' } },
    ),
  );
  return outcome.committed;
}
