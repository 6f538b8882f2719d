// What the engine keeps beside codes: browser sessions, interactions, opaque access tokens, pushed requests
// and the ids of proofs that were used. All are found by a digest of the value that names them; those whose
// content is confidential are sealed as well (I7).
import { digest, open, seal } from '../core/secrets.ts';
import type { Keyring } from '../keys/keyring.ts';
import { recordType } from '../storage/record-type.ts';

export interface SealedRecord {
  /** `key id.ciphertext` of the engine's model. */
  sealed: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

export interface BrowserSessionRecord extends SealedRecord {
  id: string;
  /** Digest of the engine's uid, which stays when the id in the cookie changes. */
  uid: string;
  savedAt: number;
  /** The record under the id before, which goes when the browser comes back with this one. */
  replaces?: string;
}

export interface PlainRecord {
  payload: Record<string, unknown>;
  expiresAt: number;
}

export const browserSessions = recordType<BrowserSessionRecord>('browser_session', {
  lifetime: 'session',
  indexes: { uid: { field: 'uid', orderBy: 'savedAt' } },
  expiresAt: 'expiresAt',
});

export const interactions = recordType<SealedRecord>('interaction', { expiresAt: 'expiresAt' });
export const accessTokens = recordType<PlainRecord>('access_token', { expiresAt: 'expiresAt' });
export const pushedRequests = recordType<SealedRecord & { consumedAt?: number }>('pushed_request', {
  expiresAt: 'expiresAt',
});
export const usedProofs = recordType<{ expiresAt: number }>('used_proof', { expiresAt: 'expiresAt' });

export function engineId(model: string, value: string): string {
  return digest(model, value);
}

export function sealPayload(keyring: Keyring, id: string, payload: object): string {
  const key = keyring.current('record');
  return `${key.kid}.${seal(key.bytes, Buffer.from(JSON.stringify(payload)), id)}`;
}

/** The payload, or undefined where it was sealed with a key that is gone. */
export function openPayload(
  keyring: Keyring,
  id: string,
  sealed: string,
): Record<string, unknown> | undefined {
  const [kid = '', text = ''] = sealed.split('.');
  const key = keyring.find('record', kid);
  if (!key) return undefined;

  // Sealed by this server, so it is the JSON object that was put in.
  return JSON.parse(open(key.bytes, text, id).toString()) as Record<string, unknown>;
}
