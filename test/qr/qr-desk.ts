// A desk to play QR sign-in on: an embedded store, a clock that the test moves, and the parties of both
// directions. Every step goes through the same functions that the server calls.
import { createHash } from 'node:crypto';
import type { AccountId, SessionId } from '../../src/core/ids.ts';
import { newAccountId, newSessionId } from '../../src/core/ids.ts';
import { randomKey } from '../../src/core/secrets.ts';
import type { Access } from '../../src/qr/access.ts';
import { approveTransaction } from '../../src/qr/approving.ts';
import type { FollowingDeps } from '../../src/qr/following.ts';
import { countOpenTransactions } from '../../src/qr/open-transactions.ts';
import type { OpeningDeps, OpeningRequest, QrSettings } from '../../src/qr/opening.ts';
import { openTransaction } from '../../src/qr/opening.ts';
import type { Redemption, RedemptionRequest } from '../../src/qr/redeeming.ts';
import { prepareRedemption } from '../../src/qr/redeeming.ts';
import type { ScanRequest } from '../../src/qr/scanning.ts';
import { scanTransaction } from '../../src/qr/scanning.ts';
import type { Grantor } from '../../src/qr/transaction.ts';
import { qrTransactions } from '../../src/qr/transaction.ts';
import type { QrKeys } from '../../src/qr/transaction-secrets.ts';
import type { QrSnapshot } from '../../src/qr/viewing.ts';
import { viewTransaction } from '../../src/qr/viewing.ts';
import { createWaiters } from '../../src/qr/waiting.ts';
import { openStore } from '../../src/storage/open.ts';
import type { Store } from '../../src/storage/store.ts';
import { forwardingStore } from '../support/forwarding-store.ts';
import type { TestClock } from '../support/test-clock.ts';
import { testClock } from '../support/test-clock.ts';

export const ISSUER = 'https://id.example';
export const CLIENT = 'web-app';
export const VERIFIER = 'a-verifier-of-more-than-forty-three-characters-123';
export const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');

export const COOKIE = 'the-secret-of-one-browser-with-enough-bits';

export const settings: QrSettings = {
  map: true,
  pam: true,
  rotateEvery: 60_000,
  transaction: 600_000,
  approval: 60_000,
};

export type Desk = OpeningDeps & FollowingDeps & { readonly clock: TestClock };

export function newKeys(): QrKeys {
  const key = { kid: 'qr.1', bytes: randomKey() };
  return {
    current: () => key,
    find: (_use, kid) => (kid === key.kid ? key : undefined),
    reload: async () => false,
  };
}

export interface DeskOptions {
  openMax?: number;
  /** Where the store's file is; in memory unless told. */
  dataDir?: string;
  clock?: TestClock;
  keys?: QrKeys;
}

export async function openDesk(options: DeskOptions = {}): Promise<Desk> {
  const clock = options.clock ?? testClock();
  const store = await openStore({
    url: options.dataDir === undefined ? 'sqlite::memory:' : 'sqlite:qr.db',
    dataDir: options.dataDir ?? '/nowhere',
    clock,
    types: [qrTransactions],
  });
  return {
    store,
    clock,
    keys: options.keys ?? newKeys(),
    issuer: ISSUER,
    settings,
    openTransactions: countOpenTransactions(options.openMax ?? 1000),
    waiters: createWaiters({ store, clock, subscribersMax: 100 }),
  };
}

export async function closeDesk(desk: Desk): Promise<void> {
  desk.waiters.close();
  await desk.store.close();
}

type Verb = 'get' | 'list' | 'commit';

/** The same store, telling each call beforehand; what `before` throws, the call rejects with. */
export function watched(store: Store, before: (verb: Verb) => void): Store {
  return forwardingStore(store, {
    get: async (...args) => {
      before('get');
      return store.get(...args);
    },
    list: async (...args) => {
      before('list');
      return store.list(...args);
    },
    commit: async (...args) => {
      before('commit');
      return store.commit(...args);
    },
  });
}

export function newGrantor(fields: Partial<Grantor> = {}): Grantor {
  return {
    accountId: newAccountId(),
    sessionId: newSessionId(),
    auth: { time: 1_700_000_000, acr: 'urn:strata:acr:1', amr: ['pwd'] },
    ...fields,
  };
}

export function mapRequest(fields: Partial<OpeningRequest> = {}): OpeningRequest {
  return {
    direction: 'map',
    opener: { role: 'grantee', binding: { kind: 'pkce', challenge: CHALLENGE } },
    clientId: CLIENT,
    scope: 'openid',
    confirm: 'number',
    requester: { browser: 'Firefox', os: 'Linux', addressPrefix: '192.0.2.0/24' },
    address: '192.0.2.1',
    ...fields,
  };
}

export interface Pc {
  id: string;
  /** Empty where a cookie binds it. */
  secret: string;
  access: Access;
}

/** A PC that shows a QR, bound by PKCE unless told. */
export async function openPc(desk: Desk, fields: Partial<OpeningRequest> = {}): Promise<Pc> {
  const request = mapRequest(fields);
  const opened = await openTransaction(desk, request);
  if (opened.kind !== 'opened') throw new Error(`not opened: ${opened.refusal.code}`);
  const { id, pollSecret: secret = '' } = opened;
  const cookieBound = request.opener.role === 'grantee' && request.opener.binding.kind === 'cookie';
  return {
    id,
    secret,
    access: cookieBound ? { kind: 'cookie', cookie: COOKIE } : { kind: 'secret', secret },
  };
}

export async function look(desk: Desk, pc: Pc): Promise<QrSnapshot> {
  const snapshot = await viewTransaction(desk, { id: pc.id, access: pc.access });
  if (snapshot.kind !== 'snapshot') throw new Error(`not seen: ${snapshot.refusal.code}`);
  return snapshot;
}

/** What a camera reads from the PC's screen now. */
export async function readScreen(desk: Desk, pc: Pc): Promise<string> {
  const { qr } = await look(desk, pc);
  return qr?.uri.split('#')[1] ?? '';
}

export function scanOf(pc: Pc, code: string, grantor: Grantor): ScanRequest {
  return { id: pc.id, code, direction: 'map', scanner: { role: 'grantor', grantor } };
}

export async function scan(desk: Desk, pc: Pc, grantor: Grantor): Promise<string> {
  const scanned = await scanTransaction(desk, scanOf(pc, await readScreen(desk, pc), grantor));
  if (scanned.kind !== 'scanned' || scanned.role !== 'grantor')
    throw new Error(`not scanned: ${scanned.kind}`);
  return scanned.handshake;
}

/** A transaction that a grantor has scanned, with the number on the PC's screen. */
export async function scannedPc(
  desk: Desk,
  fields: Partial<OpeningRequest> = {},
): Promise<{ pc: Pc; grantor: Grantor; handshake: string; number: string }> {
  const grantor = newGrantor();
  const pc = await openPc(desk, fields);
  const handshake = await scan(desk, pc, grantor);
  return { pc, grantor, handshake, number: (await look(desk, pc)).matchNumber ?? '' };
}

/** A transaction that waits for its redemption. */
export async function approvedPc(
  desk: Desk,
  fields: Partial<OpeningRequest> = {},
): Promise<{ pc: Pc; grantor: Grantor; handshake: string }> {
  const { pc, grantor, handshake, number } = await scannedPc(desk, fields);
  await approveTransaction(desk, { claim: { kind: 'handshake', handshake }, grantor, number });
  return { pc, grantor, handshake };
}

export function redemptionOf(pc: Pc, fields: Partial<RedemptionRequest> = {}): RedemptionRequest {
  return {
    clientId: CLIENT,
    proof: { kind: 'secret', secret: pc.secret, binding: { kind: 'pkce', verifier: VERIFIER } },
    knowsAccount: () => true,
    ...fields,
  };
}

/** Redeems as the token endpoint does: prepares, commits, and prepares again where another was first. */
export async function redeem(
  desk: Desk,
  pc: Pc,
  fields: Partial<RedemptionRequest> = {},
): Promise<{ won: SessionId } | Exclude<Redemption, { kind: 'ready' }>> {
  const redemption = await prepareRedemption(desk, redemptionOf(pc, fields));
  if (redemption.kind !== 'ready') return redemption;

  const sessionId = newSessionId();
  const outcome = await desk.store.commit([redemption.write({ sessionId, app: '1', chain: '1' })]);
  return outcome.committed ? { won: sessionId } : redeem(desk, pc, fields);
}

export function labelOf(accountId: AccountId): Promise<string> {
  return Promise.resolve(`label of ${accountId}`);
}
