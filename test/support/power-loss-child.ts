// A process whose power will be cut: it signs people in, refreshes and ends their sessions through the real
// driver, and writes down each commit that was answered, in a file that the log of its system calls orders
// among everything else. It opens the database more than once, since files are made and removed in between.
import assert from 'node:assert/strict';
import { openSync, writeSync } from 'node:fs';
import { configSchema } from '../../src/config/schema.ts';
import { systemClock } from '../../src/core/clock.ts';
import { type AccountId, newAccountId, newSessionId } from '../../src/core/ids.ts';
import { randomToken } from '../../src/core/secrets.ts';
import {
  authorizationCodes,
  consumingWrites,
  type OneTimeCode,
  type PendingSession,
} from '../../src/grants/one-time-codes.ts';
import { recordTypes } from '../../src/records.ts';
import { admit } from '../../src/sessions/admission.ts';
import { firstApp } from '../../src/sessions/apps.ts';
import { deviceSessions } from '../../src/sessions/device-session.ts';
import { endSession } from '../../src/sessions/ending.ts';
import { newDeviceSession } from '../../src/sessions/new-session.ts';
import { chainChanges, decideRefresh } from '../../src/sessions/refresh-chain.ts';
import { openStore } from '../../src/storage/open.ts';
import { insert, patch, type Store } from '../../src/storage/store.ts';
import type { Answered } from './power-loss-book.ts';
import { seededRandom } from './seeded-random.ts';

const [dataDir, answersFile, signIns, seed] = process.argv.slice(2);
assert(dataDir !== undefined && answersFile !== undefined, 'started with a directory and a file');

const LIVES = 3;
/** People, each on their own: what they do at the same time travels in one transaction. */
const PEOPLE = 12;
/** Few, so that most sign-ins end the oldest session in the commit that starts theirs. */
const ROSTER_MAX = 3;
const REFRESHES_MAX = 4;
/** Codes that each person has in hand: what is redeemed was issued a while ago. */
const CODES_OPEN = 5;
const LEFT_SHARE = 0.2;
const ENDED_SHARE = 0.3;

const answers = openSync(answersFile, 'a');
const { platforms } = configSchema.parse({});
const clock = systemClock();
const grant = { openid: 'openid profile', resources: { 'https://api.example': 'read' } };
const people = Array.from({ length: PEOPLE }, (_, number) => ({
  accountId: newAccountId(),
  random: seededRandom(Number(seed) * PEOPLE + number),
}));

for (let life = 0; life < LIVES; life += 1) {
  const store = await openStore({ url: 'sqlite:strata.db', dataDir, clock, types: recordTypes });
  await Promise.all(people.map((person) => live(store, person, Number(signIns) / PEOPLE / LIVES)));
  await store.close();
}

function say(answered: Answered): void {
  writeSync(answers, `${JSON.stringify(answered)}\n`);
}

async function live(
  store: Store,
  { accountId, random }: (typeof people)[number],
  times: number,
): Promise<void> {
  const open: IssuedCode[] = [];
  for (let count = 0; count < times; count += 1) {
    open.push(await issueCode(store, accountId));
    const oldest = open.length < CODES_OPEN ? undefined : open.shift();
    if (oldest === undefined || random() < LEFT_SHARE) continue;

    const { codeId, pending } = oldest;
    await redeem(store, codeId, pending);
    const refreshes = Math.floor(random() * (REFRESHES_MAX + 1));
    for (let refresh = 0; refresh < refreshes; refresh += 1) await refreshOnce(store, pending.id);
    if (random() < ENDED_SHARE) await end(store, pending.id);
  }
}

interface IssuedCode {
  codeId: string;
  pending: PendingSession;
}

async function issueCode(store: Store, accountId: AccountId): Promise<IssuedCode> {
  const now = clock.now();
  const codeId = randomToken(32);
  const pending: PendingSession = {
    id: newSessionId(),
    accountId,
    platform: 'ios',
    device: { name: 'A phone' },
    auth: { time: Math.floor(now / 1000), acr: '1', amr: ['pwd'] },
    authenticatedAt: now,
    startedBy: { how: 'password' },
  };
  const code: OneTimeCode = {
    payload: { clientId: 'app', redirectUri: 'https://app.example/callback' },
    expiresAt: now + 86_400_000,
    plan: { kind: 'start', pending, grant },
  };
  const outcome = await store.commit([insert(authorizationCodes, codeId, code)]);
  assert(outcome.committed, 'a new code is inserted');
  say({ kind: 'issued', codeId });
  return { codeId, pending };
}

/** As the redemption of a code does it: code, session, roster and who is replaced, in one commit. */
async function redeem(store: Store, codeId: string, pending: PendingSession): Promise<void> {
  const now = clock.now();
  const chain = { token: { gty: 'authorization_code', scope: 'openid' }, salt: randomToken(16) };
  const session = {
    ...newDeviceSession(pending, { now, platforms }),
    nextApp: 2,
    apps: { 1: firstApp({ clientId: 'app', grant, chain }, now) },
  };
  const code = { id: codeId, clientId: 'app', plan: { kind: 'start', pending, grant } } as const;
  const opened = { sessionId: pending.id, appNumber: '1', chainNumber: '1' };
  const outcome = await admit(
    { store, clock, platforms, settings: { rosterMax: ROSTER_MAX, tombstonesMs: 86_400_000 } },
    { session, authenticatedAt: pending.authenticatedAt },
    consumingWrites(authorizationCodes, code, { now, opened }),
  );
  assert(outcome.kind === 'admitted', 'a new code is redeemed');
  say({ kind: 'redeemed', codeId, sessionId: pending.id, replaced: outcome.replaced });
}

async function refreshOnce(store: Store, sessionId: PendingSession['id']): Promise<void> {
  const session = await store.get(deviceSessions, sessionId);
  const chain = session?.apps['1']?.chains['1'];
  assert(chain, 'the session that was started is there');
  const newest = chain.unproven.at(-1) ?? { serial: chain.proven };
  const decision = decideRefresh(chain, newest, { now: clock.now(), windowMs: 1, bound: false });
  assert(decision.kind === 'advance', 'the newest token is promoted');
  const path = ['apps', '1', 'chains', '1'];
  const outcome = await store.commit([
    patch(deviceSessions, sessionId, {
      when: [{ path: [...path, 'revision'], is: chain.revision }],
      set: chainChanges(path, decision.next),
    }),
  ]);
  assert(outcome.committed, 'nobody else refreshes');
  say({ kind: 'refreshed', sessionId, revision: decision.next.revision });
}

async function end(store: Store, sessionId: PendingSession['id']): Promise<void> {
  const settings = { tombstonesMs: 86_400_000, accessTokenMaxMs: 900_000 };
  const ended = await endSession({ store, clock, settings }, sessionId, {
    reason: 'signed_out',
    by: 'account',
  });
  if (ended) say({ kind: 'ended', sessionId });
}
