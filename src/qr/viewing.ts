// What each side may see of a transaction, rendered anew at every look: nothing is written while somebody
// waits (I6). The grantee learns nothing about the grantor before the approval (M17), the grantor sees who
// asks (M7). All times are remaining milliseconds: the clock of a device does not matter.
import type { AccountId, QrTransactionId } from '../core/ids.ts';
import type { Access } from './access.ts';
import { roleOf } from './access.ts';
import type { QrDeps } from './arrow.ts';
import type { QrDirection, QrRole } from './direction.ts';
import { directions, qrPayload } from './direction.ts';
import type { Refused } from './refusal.ts';
import { refused } from './refusal.ts';
import { codeAt } from './rotating-code.ts';
import type { ConfirmMode, QrState, QrTransaction, Requester } from './transaction.ts';
import { qrTransactions, stateAt, versionAt } from './transaction.ts';
import type { QrKey } from './transaction-secrets.ts';
import { codeSource, confirmationOf, keyOf, matchNumberOf } from './transaction-secrets.ts';

export interface ViewingDeps extends QrDeps {
  /** Leads the address in the QR; from the configuration, never from a request (I11). */
  readonly issuer: string;
}

/** What the displayer's screen shows; there only while the code lives. */
export interface ShownQr {
  readonly uri: string;
  readonly generation: number;
  readonly rotateInMs: number;
  readonly expiresInMs: number;
}

export interface QrSnapshot {
  readonly kind: 'snapshot';
  readonly id: QrTransactionId;
  readonly direction: QrDirection;
  readonly role: QrRole;
  readonly state: QrState;
  /** Goes up with every change of the state; rotation does not move it. */
  readonly version: number;
  readonly confirm: ConfirmMode;
  /** Until the present state lapses; 0 where it is final. */
  readonly deadlineInMs: number;
  readonly qr?: ShownQr;
  /** For the grantee, after the scan. */
  readonly matchNumber?: string;
  /** For the grantee, after the approval and on request: for "continue as …?". */
  readonly account?: { readonly label: string; readonly confirm: string };
  /** For the grantor, after the scan. */
  readonly request?: RequestDetails;
}

/** Who asks to be let in, for the grantor's eyes. */
export interface RequestDetails {
  readonly clientId: string;
  readonly scope: string;
  readonly resource: readonly string[];
  readonly requester: Requester;
  /** Whether both sides came from one network; undefined where that is not known. */
  readonly networkMatch: boolean | undefined;
  readonly confirm: ConfirmMode;
  readonly createdAgoMs: number;
  readonly expiresInMs: number;
}

export interface ViewRequest {
  readonly id: string;
  readonly access: Access;
  /** Names the account for "continue as …?"; without it the snapshot has no account. */
  readonly labelOf?: (accountId: AccountId) => Promise<string>;
}

export async function viewTransaction(
  deps: ViewingDeps,
  request: ViewRequest,
): Promise<QrSnapshot | Refused> {
  const transaction = await deps.store.get(qrTransactions, request.id);
  const role = transaction && roleOf(transaction, request.access);
  if (!transaction || !role) return refused({ code: 'not_found' });

  const key = await keyOf(deps.keys, transaction);
  const snapshot = snapshotFor(role, transaction, { key, issuer: deps.issuer, now: deps.clock.now() });
  return withAccount(snapshot, transaction, { key, labelOf: request.labelOf });
}

/** What the grantor sees of the request. */
export function requestDetails(transaction: QrTransaction, now: number): RequestDetails {
  return {
    clientId: transaction.clientId,
    scope: transaction.scope,
    resource: transaction.resource ?? [],
    requester: transaction.requester,
    networkMatch: networkMatch(transaction),
    confirm: transaction.confirm,
    createdAgoMs: now - transaction.createdAt,
    expiresInMs: Math.max(0, transaction.deadlineAt - now),
  };
}

function snapshotFor(
  role: QrRole,
  transaction: QrTransaction,
  render: { key: QrKey; issuer: string; now: number },
): QrSnapshot {
  const { id, direction, confirm } = transaction;
  const { key, now } = render;
  const state = stateAt(transaction, now);
  const qr = role === directions[direction].displayer && state === 'pending' && shownQr(transaction, render);
  const number = role === 'grantee' && state === 'scanned' && confirm === 'number';

  return {
    kind: 'snapshot',
    id,
    direction,
    role,
    state,
    version: versionAt(transaction, now),
    confirm,
    deadlineInMs: Math.max(0, transaction.deadlineAt - now),
    ...(qr && { qr }),
    ...(number && { matchNumber: matchNumberOf(key, transaction) }),
    ...(role === 'grantor' && state !== 'pending' && { request: requestDetails(transaction, now) }),
  };
}

function shownQr(
  transaction: QrTransaction,
  { key, issuer, now }: { key: QrKey; issuer: string; now: number },
): ShownQr | undefined {
  const source = codeSource(key, transaction);
  if (!source) return undefined;

  const { code, generation, rotateInMs, expiresInMs } = codeAt(source, now);
  const untilDeadline = transaction.deadlineAt - now;
  return {
    uri: qrPayload(issuer, { direction: transaction.direction, id: transaction.id, code }),
    generation,
    rotateInMs: Math.min(rotateInMs, untilDeadline),
    expiresInMs: Math.min(expiresInMs, untilDeadline),
  };
}

async function withAccount(
  snapshot: QrSnapshot,
  transaction: QrTransaction,
  naming: { key: QrKey; labelOf: ViewRequest['labelOf'] },
): Promise<QrSnapshot> {
  const { grantor } = transaction;
  if (snapshot.role !== 'grantee' || snapshot.state !== 'approved' || !grantor || !naming.labelOf) {
    return snapshot;
  }
  const label = await naming.labelOf(grantor.accountId);
  return { ...snapshot, account: { label, confirm: confirmationOf(naming.key, transaction) } };
}

function networkMatch({ requester, grantor }: QrTransaction): boolean | undefined {
  if (requester.addressPrefix === undefined || grantor?.addressPrefix === undefined) return undefined;

  return requester.addressPrefix === grantor.addressPrefix;
}
