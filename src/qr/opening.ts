// Opening a transaction: the displayer gets an id for the symbol on its screen and, if it is the grantee, a
// poll secret that the symbol never shows (M1). Nothing in an id or a code is the caller's choice (M2).

import assert from 'node:assert';
import type { QrTransactionId } from '../core/ids.ts';
import { newQrTransactionId } from '../core/ids.ts';
import { insert } from '../storage/store.ts';
import type { QrDeps } from './arrow.ts';
import type { BindingRequest } from './binding.ts';
import { bindingOf } from './binding.ts';
import type { QrDirection } from './direction.ts';
import { directions } from './direction.ts';
import type { OpenTransactions } from './open-transactions.ts';
import type { Refused } from './refusal.ts';
import { refused } from './refusal.ts';
import type { ConfirmMode, Grantor, QrTransaction, Requester } from './transaction.ts';
import { qrTransactions } from './transaction.ts';
import type { QrKey } from './transaction-secrets.ts';
import { newPollSecret, newSealedKey, pollSecretHash } from './transaction-secrets.ts';
import { expiryAfter } from './transition.ts';

/** The configuration's `qr`. Durations in milliseconds. */
export interface QrSettings {
  readonly map: boolean;
  readonly pam?: boolean;
  readonly rotateEvery: number;
  readonly transaction: number;
  /** How long a scan waits for its approval, and an approval for its redemption. */
  readonly approval: number;
}

export interface OpeningDeps extends QrDeps {
  readonly settings: QrSettings;
  readonly openTransactions: OpenTransactions;
  /** Milliseconds to wait where this address or client opens too many; undefined where it may. */
  limitOpening?(subject: { address: string; clientId: string }): Promise<number | undefined>;
}

/** The displayer of the direction: the future grantee (map) or the grantor (pam). */
export type Opener =
  | { readonly role: 'grantee'; readonly binding: BindingRequest }
  | { readonly role: 'grantor'; readonly grantor: Grantor };

export interface OpeningRequest {
  readonly direction: QrDirection;
  readonly opener: Opener;
  /** The client that will get the session. */
  readonly clientId: string;
  readonly scope: string;
  readonly resource?: readonly string[];
  readonly confirm: ConfirmMode;
  readonly requester: Requester;
  /** For the limiter alone; not stored. */
  readonly address: string;
  /** Where the redemption waits for a person ("continue as …?"), the time of that page; ms. */
  readonly approvalMs?: number;
}

export interface Opened {
  readonly kind: 'opened';
  readonly id: QrTransactionId;
  /** Only for a grantee that is not bound by a cookie: the cookie is its secret. */
  readonly pollSecret?: string;
}

export async function openTransaction(deps: OpeningDeps, request: OpeningRequest): Promise<Opened | Refused> {
  if (!deps.settings[request.direction]) return refused({ code: 'direction_off' });
  if (request.opener.role !== directions[request.direction].displayer) {
    return refused({ code: 'wrong_direction' });
  }

  const retryAfterMs = await deps.limitOpening?.({ address: request.address, clientId: request.clientId });
  if (retryAfterMs !== undefined) return refused({ code: 'rate_limited', retryAfterMs });

  const now = deps.clock.now();
  const id = newQrTransactionId();
  const waitMs = deps.openTransactions.admit(id, { until: now + deps.settings.transaction, now });
  if (waitMs !== undefined) return refused({ code: 'too_many', retryAfterMs: waitMs });

  const pollSecret = needsPollSecret(request.opener) ? newPollSecret(id) : undefined;
  const body = newTransaction(deps, request, { id, now, pollSecret });
  await insertOrForget(deps, body);
  return { kind: 'opened', id, ...(pollSecret !== undefined && { pollSecret }) };
}

/** A store that is away must not fill the count with transactions that were never made. */
async function insertOrForget(deps: OpeningDeps, body: QrTransaction): Promise<void> {
  try {
    const outcome = await deps.store.commit([insert(qrTransactions, body.id, body)]);
    assert(outcome.committed, 'an id of 96 random bits is new');
  } catch (error) {
    deps.openTransactions.forget(body.id);
    throw error;
  }
}

function needsPollSecret(opener: Opener): boolean {
  return opener.role === 'grantee' && opener.binding.kind !== 'cookie';
}

function newTransaction(
  deps: OpeningDeps,
  request: OpeningRequest,
  made: { id: QrTransactionId; now: number; pollSecret: string | undefined },
): QrTransaction {
  const { settings } = deps;
  const key: QrKey = deps.keys.current('qr');
  const deadlineAt = made.now + settings.transaction;

  return {
    id: made.id,
    direction: request.direction,
    state: 'pending',
    version: 1,
    createdAt: made.now,
    deadlineAt,
    expiresAt: expiryAfter(deadlineAt),
    rotateMs: settings.rotateEvery,
    scanMs: settings.approval,
    approvalMs: request.approvalMs ?? settings.approval,
    keyId: key.kid,
    sealedKey: newSealedKey(key, made.id),
    clientId: request.clientId,
    scope: request.scope,
    ...(request.resource && { resource: [...request.resource] }),
    requester: request.requester,
    confirm: request.confirm,
    wrongNumbers: 0,
    ...openerFields(request.opener, made.id),
    ...(made.pollSecret !== undefined && { pollSecretHash: pollSecretHash(made.pollSecret) }),
  };
}

function openerFields(opener: Opener, id: string): Pick<QrTransaction, 'binding' | 'grantor'> {
  return opener.role === 'grantee' ? { binding: bindingOf(opener.binding, id) } : { grantor: opener.grantor };
}
