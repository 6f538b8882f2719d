// Tickets: everything that is shown once and typed back. A ticket is found by its purpose, subject and
// binding, never by its code, so that a code can be short: whoever guesses has `attemptsMax` tries at one
// ticket and none at all tickets together. The record holds a keyed hash only; the key is not in the database,
// so a copy of it does not give a code of six digits away (I7). One redemption wins, by precondition (I2).
import type { Clock } from '../core/clock.ts';
import { newTicketId, type TicketId } from '../core/ids.ts';
import { digest, equalSecrets, mac, randomCode } from '../core/secrets.ts';
import { recordType } from '../storage/record-type.ts';
import { type Json, patch, put, remove, type Store, type Write } from '../storage/store.ts';

/** Where a ticket is found. */
export interface TicketAddress {
  /** What the code is for; codes of one purpose are worth nothing for another. */
  readonly purpose: string;
  /** Whom it is about: an account id, a normalized e-mail address. */
  readonly subject: string;
  /**
   * A secret of at least 128 bits that whoever asked for the ticket holds, as a browser's cookie. Tickets of
   * different bindings do not see each other: nobody else can use up or replace this one.
   */
  readonly binding?: string;
}

export interface TicketOptions extends TicketAddress {
  readonly payload: Json;
  readonly ttlMs: number;
  readonly attemptsMax: number;
  /** The characters that the code is drawn from. */
  readonly alphabet: string;
  readonly length: number;
}

export interface Ticket {
  /** New with every issue: what a redemption depends on. */
  id: TicketId;
  purpose: string;
  payload: Json;
  codeMac: string;
  /** Which key `codeMac` was made with. */
  keyId: string;
  attempts: number;
  attemptsMax: number;
  issuedAt: number;
  expiresAt: number;
}

export const tickets = recordType<Ticket>('ticket', { expiresAt: 'expiresAt' });

/** The keys that codes are hashed under. */
export interface MacKeys {
  current(): { readonly kid: string; readonly key: Uint8Array };
  find(kid: string): Uint8Array | undefined;
}

export interface TicketDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly macKeys: MacKeys;
}

export type TicketAttempt =
  /** `redeem` belongs in the commit that gives what the ticket is for; until then nothing is redeemed. */
  | { readonly kind: 'right'; readonly payload: Json; readonly redeem: Write }
  | { readonly kind: 'wrong'; readonly attemptsLeft: number }
  | { readonly kind: 'too_many' }
  /** Never issued, redeemed, replaced, expired, or bound to someone else: nobody is told which. */
  | { readonly kind: 'absent' };

/** Issues a ticket in place of an earlier one at the same address. The code is in the answer and nowhere else. */
export async function issueTicket(deps: TicketDeps, options: TicketOptions): Promise<{ code: string }> {
  const code = randomCode(options.alphabet, options.length);
  const { kid, key } = deps.macKeys.current();
  const now = deps.clock.now();
  const id = newTicketId();
  const ticket: Ticket = {
    id,
    purpose: options.purpose,
    payload: options.payload,
    codeMac: macOfCode(key, id, code),
    keyId: kid,
    attempts: 0,
    attemptsMax: options.attemptsMax,
    issuedAt: now,
    expiresAt: now + options.ttlMs,
  };

  // A `put` is safe although attempts race with it: what they write depends on the id of the former ticket.
  await deps.store.commit([put(tickets, placeOf(options), ticket)]);
  return { code };
}

/**
 * One try with a code. It is counted, by one conditional write, before anything is compared: so parallel
 * guesses get no more tries than those that come one by one.
 */
export async function attemptTicket(
  deps: TicketDeps,
  attempt: TicketAddress & { readonly code: string },
): Promise<TicketAttempt> {
  const place = placeOf(attempt);
  const ticket = await countAttempt(deps.store, place);
  if (ticket === undefined) return { kind: 'absent' };
  if (ticket === 'too_many') return { kind: 'too_many' };

  const key = deps.macKeys.find(ticket.keyId);
  if (!key) return { kind: 'absent' };
  if (!equalSecrets(macOfCode(key, ticket.id, attempt.code), ticket.codeMac)) {
    return { kind: 'wrong', attemptsLeft: ticket.attemptsMax - ticket.attempts };
  }

  const redeem = remove(tickets, place, [{ path: ['id'], is: ticket.id }]);
  return { kind: 'right', payload: ticket.payload, redeem };
}

/** The ticket with this attempt counted in. */
async function countAttempt(store: Store, place: string): Promise<Ticket | 'too_many' | undefined> {
  // A lost round means that another attempt was counted or the ticket replaced, so this ends.
  while (true) {
    const ticket = await store.get(tickets, place);
    if (!ticket) return undefined;
    if (ticket.attempts >= ticket.attemptsMax) return 'too_many';

    const attempts = ticket.attempts + 1;
    const when = [
      { path: ['id'], is: ticket.id },
      { path: ['attempts'], is: ticket.attempts },
    ];
    const counted = await store.commit([patch(tickets, place, { when, set: [[['attempts'], attempts]] })]);
    if (counted.committed) return { ...ticket, attempts };
  }
}

/** The record's id: equal for the same purpose, subject and binding, and telling none of the latter two. */
function placeOf({ purpose, subject, binding }: TicketAddress): string {
  return digest('ticket', purpose, subject, binding ?? '');
}

/** The ticket's own id is part of it, so that equal codes of two tickets have nothing in common. */
function macOfCode(key: Uint8Array, id: TicketId, code: string): string {
  return mac(key, 'ticket', id, code);
}
