// Signing up by e-mail, in two steps. The first says "check your mail" whatever the address: for a known one
// it makes the same reads, the same write and one mail as well, only that the mail says so and the ticket
// has a code that nobody was sent (I10). The second needs the code, in the browser that asked for it, and
// redeems it in the commit that makes the account, so that one code makes one account (I2).
import type { Clock } from '../core/clock.ts';
import type { MailQueue } from '../messages/mail.ts';
import { composeMail, type MailLanguage } from '../messages/templates.ts';
import { networkPrefix } from '../protection/address.ts';
import { createLimiter, type Limiter, type RateRule, takeAll } from '../protection/limiter.ts';
import type { Store } from '../storage/store.ts';
import { attemptTicket, issueTicket, type MacKeys, type TicketAddress } from '../tickets/ticket.ts';
import { type Account, accountWrites, isLoginTaken, newAccount } from './account.ts';
import { type FreshAuthentication, passwordAuthentication } from './authentication-levels.ts';
import type { PasswordHasher } from './hash-queue.ts';
import { normalizeEmail } from './login.ts';
import { type PasswordComplaint, passwordComplaint } from './password.ts';

export interface SignUpDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly macKeys: MacKeys;
  readonly mails: MailQueue;
  readonly passwords: PasswordHasher;
  readonly limits: SignUpLimits;
  readonly settings: SignUpSettings;
}

export interface SignUpLimits {
  /** Mails to one address: nobody's mailbox is filled from here. */
  readonly recipient: Limiter;
  /** Of these, those that one network asks for: a stranger elsewhere does not use up what is the owner's. */
  readonly recipientFromNetwork: Limiter;
  /** Mails asked for from one network. */
  readonly network: Limiter;
}

export interface SignUpSettings {
  /** Milliseconds. */
  readonly codeLifetime: number;
  readonly passwordLengthMin: number;
  /** The product's name in mails. */
  readonly brand: string;
  /** Where to sign in, from the configuration (I11). */
  readonly signInUrl: string;
}

export interface SignUpRequest {
  /** As typed. */
  readonly email: string;
  readonly language: MailLanguage;
  /** A secret of this browser, at least 128 bits; the second step must bring the same. */
  readonly binding: string;
  /** The client's address. */
  readonly address: string;
}

export type SignUpRequestOutcome =
  | { readonly kind: 'check_your_mail' }
  | { readonly kind: 'invalid_email' }
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number };

export interface SignUpConfirmation {
  readonly email: string;
  readonly code: string;
  readonly name: string;
  readonly password: string;
  readonly binding: string;
}

export type SignUpOutcome =
  | { readonly kind: 'created'; readonly account: Account; readonly auth: FreshAuthentication }
  | { readonly kind: 'invalid_name' }
  | { readonly kind: 'weak_password'; readonly complaint: PasswordComplaint }
  | { readonly kind: 'wrong_code'; readonly attemptsLeft: number }
  | { readonly kind: 'too_many' }
  /** Expired, replaced, used, or asked for elsewhere. */
  | { readonly kind: 'expired' }
  /** The code was right, and another sign-up with the same address came first. */
  | { readonly kind: 'already_registered' };

const PURPOSE = 'sign_up';
const ATTEMPTS_MAX = 5;
/** With twenty mails an hour to one address, a day of guessing finds one code in 40,000. */
const MAILED_CODE = { alphabet: '0123456789', length: 8 };
/** 160 bits: the code of a ticket for a known address, which nobody is told. */
const UNGUESSABLE_CODE = { alphabet: '0123456789abcdef', length: 40 };

const HOUR_MS = 3_600_000;
const RECIPIENT_RULE: RateRule = { limit: 20, windowMs: HOUR_MS };
const RECIPIENT_FROM_NETWORK_RULE: RateRule = { limit: 5, windowMs: HOUR_MS };
const NETWORK_RULE: RateRule = { limit: 30, windowMs: HOUR_MS };

export function createSignUpLimits(
  clock: Clock,
  rules: { readonly recipient?: RateRule; readonly network?: RateRule } = {},
): SignUpLimits {
  return {
    recipient: createLimiter({ rule: rules.recipient ?? RECIPIENT_RULE, clock }),
    recipientFromNetwork: createLimiter({ rule: RECIPIENT_FROM_NETWORK_RULE, clock }),
    network: createLimiter({ rule: rules.network ?? NETWORK_RULE, clock }),
  };
}

export async function requestSignUp(deps: SignUpDeps, request: SignUpRequest): Promise<SignUpRequestOutcome> {
  const email = normalizeEmail(request.email);
  if (email === undefined) return { kind: 'invalid_email' };
  const network = networkPrefix(request.address);
  const limit = takeAll([
    { limiter: deps.limits.recipient, key: email },
    { limiter: deps.limits.recipientFromNetwork, key: `${network} ${email}` },
    { limiter: deps.limits.network, key: network },
  ]);
  if (limit.kind === 'limited') return limit;

  const known = await isLoginTaken(deps.store, `email:${email}`);
  const { code } = await issueTicket(deps, {
    ...ticketAddress(email, request.binding),
    ...(known ? UNGUESSABLE_CODE : MAILED_CODE),
    payload: null,
    ttlMs: deps.settings.codeLifetime,
    attemptsMax: ATTEMPTS_MAX,
  });
  deps.mails.add(composeMail(email, request.language, known ? knownMail(deps) : codeMail(deps, code)));
  return { kind: 'check_your_mail' };
}

export async function confirmSignUp(
  deps: SignUpDeps,
  confirmation: SignUpConfirmation,
): Promise<SignUpOutcome> {
  const email = normalizeEmail(confirmation.email);
  if (email === undefined) return { kind: 'expired' };
  const rules = { lengthMin: deps.settings.passwordLengthMin, logins: [email] };
  const complaint = passwordComplaint(confirmation.password, rules);
  if (complaint !== undefined) return { kind: 'weak_password', complaint };
  const draft = newAccount({ name: confirmation.name, email, emailVerified: true }, deps.clock.now());
  if (draft.kind === 'invalid') return { kind: 'invalid_name' };

  const code = canonicalCode(confirmation.code);
  const attempt = await attemptTicket(deps, { ...ticketAddress(email, confirmation.binding), code });
  if (attempt.kind === 'absent') return { kind: 'expired' };
  if (attempt.kind === 'too_many') return { kind: 'too_many' };
  if (attempt.kind === 'wrong') return { kind: 'wrong_code', attemptsLeft: attempt.attemptsLeft };

  const hash = await deps.passwords.hash(confirmation.password);
  const now = deps.clock.now();
  const account = { ...draft.account, createdAt: now, password: { hash, changedAt: now } };
  const outcome = await deps.store.commit([attempt.redeem, ...accountWrites(account)]);
  if (outcome.committed) return { kind: 'created', account, auth: passwordAuthentication(now) };

  return { kind: outcome.failed.index === 0 ? 'expired' : 'already_registered' };
}

function ticketAddress(email: string, binding: string): TicketAddress {
  return { purpose: PURPOSE, subject: email, binding };
}

function codeMail(deps: SignUpDeps, code: string) {
  const minutes = Math.round(deps.settings.codeLifetime / 60_000);
  return { kind: 'signUpCode', brand: deps.settings.brand, code, minutes } as const;
}

function knownMail({ settings }: SignUpDeps) {
  return { kind: 'signUpKnown', brand: settings.brand, signInUrl: settings.signInUrl } as const;
}

/** As people type codes: with blanks and dashes, on keyboards with full-width digits. */
function canonicalCode(typed: string): string {
  return typed.slice(0, 64).normalize('NFKC').replace(/[\s-]/gu, '');
}
