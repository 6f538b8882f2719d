// Revocations: ends that are not a whole session, and single access tokens. One is inserted in the commit
// of the end it tells of, and kept until no token it names can live.
import { digest, randomToken } from '../core/secrets.ts';
import { recordType } from '../storage/record-type.ts';
import type { Store, Write } from '../storage/store.ts';
import { insert } from '../storage/store.ts';
import type { End, EndReason } from './device-session.ts';

export type Selector = { kind: 'app'; sid: string; clientId: string } | { kind: 'token'; jti: string };

export interface Revocation {
  id: string;
  selector: Selector;
  at: number;
  reason: EndReason;
  by: string;
  todo: string[];
  /** Milliseconds since the epoch. */
  keepUntil: number;
}

export const revocations = recordType<Revocation>('revocation', {
  lifetime: 'session',
  expiresAt: 'keepUntil',
});

export function appRevocation(selector: { sid: string; clientId: string }, end: End, keepMs: number): Write {
  const id = randomToken(16);
  return insert(revocations, id, {
    id,
    selector: { kind: 'app', ...selector },
    ...end,
    todo: ['feed'],
    keepUntil: end.at + keepMs,
  });
}

/** Revokes one access token until it would have expired anyway. Doing so twice changes nothing. */
export async function revokeToken(
  store: Store,
  token: { jti: string; expiresAt: number },
  end: End,
): Promise<void> {
  const id = tokenRevocationId(token.jti);
  await store.commit([
    insert(revocations, id, {
      id,
      selector: { kind: 'token', jti: token.jti },
      ...end,
      todo: ['feed'],
      keepUntil: token.expiresAt,
    }),
  ]);
}

export async function isTokenRevoked(store: Store, jti: string): Promise<boolean> {
  return (await store.get(revocations, tokenRevocationId(jti))) !== undefined;
}

function tokenRevocationId(jti: string): string {
  return digest('revoked token', jti);
}
