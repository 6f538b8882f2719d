// A QR transaction: one attempt to let somebody in by a QR code, from the first symbol on the screen to the
// one redemption. The record holds nothing that could be used by who copies the database (I7): hashes of the
// poll secret and of codes, and the transaction's key sealed by the keyring. The handshake, the number and the
// confirmation are derived from a key of the keyring whenever they are needed, and stored nowhere.
import type { AccountId, QrTransactionId, SessionId } from '../core/ids.ts';
import type { Authentication } from '../sessions/device-session.ts';
import { recordType } from '../storage/record-type.ts';
import type { Binding } from './binding.ts';
import type { QrDirection } from './direction.ts';

/** States that a write leads to; whoever reads one too late sees `expired` without any write. */
export type QrState = 'pending' | 'scanned' | 'approved' | 'redeemed' | 'denied' | 'cancelled' | 'expired';

/**
 * `number`: the grantor types the two digits that the grantee's screen shows. `tap`: the grantor only agrees.
 * `none`: the scan alone lets in, which hands a session to whoever can get a picture scanned.
 */
export type ConfirmMode = 'number' | 'tap' | 'none';

/** `not_me`: the grantor did not start this, which looks like an attack. */
export type DenyReason = 'not_me' | 'mistake';

/** What the grantor is shown of the grantee's side; taken by the server when the transaction was opened. */
export interface Requester {
  browser?: string;
  os?: string;
  /** The address without its last bits; enough to compare networks, not to name a household. */
  addressPrefix?: string;
  place?: string;
  /** The browser has been signed in to some account before. */
  knownBrowser?: boolean;
}

/** Who lets in: facts of a validated token, never of a request's body. */
export interface Grantor {
  accountId: AccountId;
  sessionId: SessionId;
  /** Of the grantor's own sign-in; `time` in seconds. */
  auth: Authentication;
  addressPrefix?: string;
}

/** Where the one redemption led, so that a lost answer can be given again. */
export interface Redeemed {
  /** Milliseconds since the epoch. */
  at: number;
  sessionId: SessionId;
  /** Absent where a browser signed in: its apps come later, each with a code of its own. */
  app?: string;
  chain?: string;
}

export interface QrTransaction {
  id: QrTransactionId;
  direction: QrDirection;
  state: Exclude<QrState, 'expired'>;
  /** 1 at creation, one more with every write. */
  version: number;
  createdAt: number;
  /** When the present state lapses; moves with every arrow. */
  deadlineAt: number;
  /** When the record may go: some time after the deadline, so that latecomers hear why. */
  expiresAt: number;
  /** How long one code is shown. Kept here, as a changed setting must not change codes on screens. */
  rotateMs: number;
  /** How long a scan waits for its approval. */
  scanMs: number;
  /** How long an approval waits for its redemption. */
  approvalMs: number;

  /** The keyring's key under which this transaction's secrets are sealed and derived. */
  keyId: string;
  /** The key of the codes, sealed; erased as soon as the codes are dead. */
  sealedKey?: string;
  /** Hashes of the codes that were good when they died: tells a second scanner from a stranger. */
  codeHashes?: string[];

  clientId: string;
  scope: string;
  resource?: string[];
  requester: Requester;
  confirm: ConfirmMode;

  /** The grantee's side: there from the start (map) or from the scan (pam). */
  binding?: Binding;
  pollSecretHash?: string;
  /** The grantor's side: there from the scan (map) or from the start (pam). */
  grantor?: Grantor;

  scannedAt?: number;
  wrongNumbers: number;
  approvedAt?: number;
  denyReason?: DenyReason;
  redeemed?: Redeemed;

  /** Set by the first write after creation: puts the record into the index that other processes follow. */
  feed?: typeof QR_FEED;
  changedAt?: number;
}

export const QR_FEED = 'changes';

export const qrTransactions = recordType<QrTransaction>('qr_transaction', {
  indexes: { changes: { field: 'feed', orderBy: 'changedAt' } },
  expiresAt: 'expiresAt',
});

/** The state as it is now: a state whose time is over reads as `expired`, though nobody wrote it. */
export function stateAt(transaction: QrTransaction, now: number): QrState {
  const lapses =
    transaction.state === 'pending' || transaction.state === 'scanned' || transaction.state === 'approved';
  return lapses && now >= transaction.deadlineAt ? 'expired' : transaction.state;
}

/**
 * The version as it is now. No write follows a lapse, so the number after the stored one is free to stand
 * for `expired`; whoever compares versions sees the lapse like any other change.
 */
export function versionAt(transaction: QrTransaction, now: number): number {
  return stateAt(transaction, now) === 'expired' ? transaction.version + 1 : transaction.version;
}
