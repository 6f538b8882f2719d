// Identifiers. Each kind has a prefix, so that a log line or a database row says what it is about, and a
// brand, so that the compiler refuses an account's id where a session's is due. None of them is a secret.
import { randomToken } from './secrets.ts';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type AccountId = Branded<'AccountId'>;
export type SessionId = Branded<'SessionId'>;
export type QrTransactionId = Branded<'QrTransactionId'>;
export type TicketId = Branded<'TicketId'>;

export function newAccountId(): AccountId {
  return `acc_${randomToken(16)}` as AccountId;
}

export function newSessionId(): SessionId {
  return `ses_${randomToken(16)}` as SessionId;
}

/** 16 characters (96 bits), so that the QR symbol stays small; the code beside it carries the secret. */
export function newQrTransactionId(): QrTransactionId {
  return randomToken(12) as QrTransactionId;
}

export function newTicketId(): TicketId {
  return `tic_${randomToken(16)}` as TicketId;
}

const sessionIdShape = /^ses_[A-Za-z0-9_-]{22}$/;

export function isSessionId(value: string): value is SessionId {
  return sessionIdShape.test(value);
}
