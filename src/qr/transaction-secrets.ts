// The secrets of a transaction and how each is had again: the poll secret is random and only hashed, the
// codes' key is random and sealed, everything else is derived from a key of the keyring. So any process can
// render and check them, and a copy of the database can do neither (I7).
import { DomainError } from '../core/errors.ts';
import type { SessionId } from '../core/ids.ts';
import { deriveKey, digest, equalSecrets, mac, open, randomKey, randomToken, seal } from '../core/secrets.ts';
import type { CodeJudgement, CodeSource } from './rotating-code.ts';
import { acceptedCodes, judgeCode } from './rotating-code.ts';
import type { QrTransaction } from './transaction.ts';

/** A key of the keyring: 32 random bytes. */
export interface QrKey {
  readonly kid: string;
  readonly bytes: Uint8Array;
}

/** What is needed of the keyring. */
export interface QrKeys {
  current(use: 'qr'): QrKey;
  find(use: 'qr', kid: string): QrKey | undefined;
  /** Reads the keys again, as another process may have added one. */
  reload(): Promise<unknown>;
}

const TOKEN_LENGTH = 22;

/** The keyring's key of this transaction; 503 when this process cannot get at it. */
export async function keyOf(keys: QrKeys, transaction: Pick<QrTransaction, 'keyId'>): Promise<QrKey> {
  const known = keys.find('qr', transaction.keyId);
  if (known) return known;

  await keys.reload();
  const fresh = keys.find('qr', transaction.keyId);
  if (fresh) return fresh;

  const detail = `no key ${transaction.keyId} in the keyring`;
  throw new DomainError('store_unavailable', { detail, retryAfterSeconds: 1 });
}

/** A fresh key for the codes of one transaction, sealed so that it cannot be moved to another. */
export function newSealedKey(key: QrKey, id: string): string {
  return seal(sealingKey(key), randomKey(), sealContext(id));
}

/** What the codes are made from; undefined once the codes are dead and their key is erased. */
export function codeSource(key: QrKey, transaction: QrTransaction): CodeSource | undefined {
  if (transaction.sealedKey === undefined) return undefined;

  return {
    key: open(sealingKey(key), transaction.sealedKey, sealContext(transaction.id)),
    direction: transaction.direction,
    id: transaction.id,
    createdAt: transaction.createdAt,
    rotateMs: transaction.rotateMs,
  };
}

/** What a scanned code is worth: by the codes' key while it lives, afterwards by the hashes that were kept. */
export function judgeScannedCode(
  key: QrKey,
  transaction: QrTransaction,
  code: string,
  now: number,
): CodeJudgement | 'used' {
  const source = codeSource(key, transaction);
  if (source) return judgeCode(source, code, now);

  return transaction.codeHashes?.includes(codeHash(transaction.id, code)) ? 'used' : 'unknown';
}

/** Hashes of the codes that are good now, to be kept when the codes die; none once they are dead. */
export function liveCodeHashes(key: QrKey, transaction: QrTransaction, now: number): readonly string[] {
  const source = codeSource(key, transaction);
  if (!source) return [];

  return acceptedCodes(source, now).map((code) => codeHash(transaction.id, code));
}

/** What the grantee polls and redeems with. It begins with the transaction's id, so that it finds itself. */
export function newPollSecret(id: string): string {
  return `${id}.${randomToken(24)}`;
}

export function pollSecretHash(secret: string): string {
  return digest('qr poll secret', secret);
}

export function isPollSecret(transaction: QrTransaction, secret: string): boolean {
  const expected = transaction.pollSecretHash;
  return expected !== undefined && equalSecrets(expected, pollSecretHash(secret));
}

/**
 * The scanner's proof that it is the one whose scan won. Bound to its session: taken from there it is of no
 * use to another. Derived, so that a scanner whose answer was lost can be given it again.
 */
export function handshakeOf(key: QrKey, id: string, sessionId: SessionId): string {
  return `${id}.${mac(key.bytes, 'qr handshake', id, sessionId).slice(0, TOKEN_LENGTH)}`;
}

/** The two digits on the grantee's screen. They exist from the scan on, as nobody can know them before. */
export function matchNumberOf(key: QrKey, transaction: QrTransaction): string {
  const bytes = Buffer.from(
    mac(key.bytes, 'qr number', transaction.id, String(transaction.scannedAt)),
    'base64url',
  );
  return String(bytes.readUInt32BE() % 100).padStart(2, '0');
}

/** What the grantee shows to say "yes, continue as this account"; it exists from the approval on. */
export function confirmationOf(key: QrKey, transaction: QrTransaction): string {
  const account = transaction.grantor?.accountId ?? '';
  const approvedAt = String(transaction.approvedAt);
  return mac(key.bytes, 'qr confirmation', transaction.id, account, approvedAt).slice(0, TOKEN_LENGTH);
}

const locatedShape = /^([A-Za-z0-9_-]{16})\.[A-Za-z0-9_-]{22,64}$/;

/** The transaction that a poll secret or a handshake claims to belong to. */
export function locate(secret: string): string | undefined {
  return locatedShape.exec(secret)?.[1];
}

function codeHash(id: string, code: string): string {
  return digest('qr code', id, code);
}

function sealingKey(key: QrKey): Buffer {
  return deriveKey(key.bytes, 'qr transaction key');
}

function sealContext(id: string): string {
  return `qr_transaction ${id}`;
}
