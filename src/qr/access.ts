// Who asks about a transaction, judged by what they can show. A stranger, a wrong secret and a record that is
// not there look alike from outside.
import type { SessionId } from '../core/ids.ts';
import { provesBinding } from './binding.ts';
import type { QrRole } from './direction.ts';
import type { QrTransaction } from './transaction.ts';
import { isPollSecret } from './transaction-secrets.ts';

export type Access =
  /** The poll secret (`Authorization: Strata-QR …`). */
  | { readonly kind: 'secret'; readonly secret: string }
  /** The browser's cookie, where the transaction was opened with it. */
  | { readonly kind: 'cookie'; readonly cookie: string }
  /** The session of a validated token: the grantor that shows the QR, or the one that scanned it. */
  | { readonly kind: 'session'; readonly sessionId: SessionId };

/** The role in which this access may read or cancel the transaction; undefined for everybody else. */
export function roleOf(transaction: QrTransaction, access: Access): QrRole | undefined {
  switch (access.kind) {
    case 'secret':
      return isPollSecret(transaction, access.secret) ? 'grantee' : undefined;
    case 'cookie':
      return provesBinding(transaction.binding, access, transaction.id) ? 'grantee' : undefined;
    case 'session':
      return transaction.grantor?.sessionId === access.sessionId ? 'grantor' : undefined;
  }
}
