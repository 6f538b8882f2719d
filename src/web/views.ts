// The context of every view: plain data, every address passed in, every duration in milliseconds relative
// to now (a page has no clock). The comment above a context names the fields that its forms post; `csrf`
// stands for the double-submit value of our own forms and `xsrf` for the one the engine checks.
import type { ErrorCode } from '../core/errors.ts';
import type { EndReason, StartedHow } from '../sessions/device-session.ts';
import type { Language } from './languages.ts';
import type { PlaygroundWords } from './playground-words.ts';

/** The app on whose behalf a page is shown. */
export interface ClientCard {
  name: string;
  /** A path on this origin or a `data:` address: the content policy loads nothing else. */
  logoUrl?: string;
}

export interface AccountCard {
  /** What the owner recognises the account by: a name or an e-mail address. */
  label: string;
}

/** Where the same page is had in each language; without it the page has no switch. */
export interface PageLinks {
  languageLinks?: Readonly<Record<Language, string>>;
}

/** Posts `csrf`, `identifier`, `password`, and `keep=yes` where that is offered; `csrf` alone to `cancelUrl`. */
export interface SignInContext {
  action: string;
  csrf: string;
  client?: ClientCard;
  /** What was typed before; never a hint that the account exists. */
  identifier?: string;
  /** `locked` counts tries by name, whether or not there is such an account (I10). */
  error?: 'wrong' | 'locked' | 'busy' | 'expired';
  /** Why this browser was signed out; `platform` is where the sign-in that replaced it happened. */
  ended?: { reason: EndReason; agoMs: number; platform?: string };
  /** The box "keep me signed in": absent = not offered. */
  keep?: boolean;
  qr?: QrPanelContext;
  signUpUrl?: string;
  cancelUrl?: string;
}

/** Read by public/qr-panel.js, whose first lines say what it expects of these addresses. */
export interface QrPanelContext {
  createUrl: string;
  csrf: string;
}

/** Posts `csrf` and `decision` = `continue` or `refuse`. */
export interface QrContinueContext {
  action: string;
  csrf: string;
  account: AccountCard;
  client?: ClientCard;
}

/** Posts `csrf` and `email`. */
export interface SignUpContext {
  action: string;
  csrf: string;
  client?: ClientCard;
  email?: string;
  error?: 'email' | 'busy' | 'rate_limited' | 'expired';
  signInUrl?: string;
}

/** Posts `csrf`, `email`, `code`, `name`, `password`; the form to resend posts `csrf` and `email`. */
export interface SignUpConfirmContext {
  action: string;
  csrf: string;
  email: string;
  client?: ClientCard;
  error?:
    | 'wrong_code'
    | 'code_expired'
    | 'name_missing'
    | 'password_short'
    | 'password_weak'
    | 'busy'
    | 'rate_limited';
  code?: string;
  name?: string;
  passwordLengthMin: number;
  resendUrl?: string;
  resent?: boolean;
  /** Back to the page that asks for the address. */
  signUpUrl?: string;
  /** Development only. */
  outboxUrl?: string;
}

export interface ScopeLine {
  name: string;
  /** Absent: the words of the locales for OpenID's scopes, else the name itself. */
  words?: string;
}

/** Posts `csrf` and `decision` = `allow` or `deny`. */
export interface ConsentContext {
  action: string;
  csrf: string;
  client: ClientCard & { uri?: string; policyUri?: string; tosUri?: string };
  account: AccountCard;
  scopes: readonly ScopeLine[];
  resources: readonly { name: string; scopes: readonly ScopeLine[] }[];
}

/** Posts `xsrf` and `user_code` (the engine's names). */
export interface DeviceCodeContext {
  action: string;
  xsrf: string;
  userCode?: string;
  error?: 'missing' | 'unknown' | 'expired' | 'used' | 'rate_limited' | 'page_expired';
}

/** Posts `xsrf`, `user_code`, and `confirm=yes` or `abort=yes` (the engine's names). */
export interface DeviceConfirmContext {
  action: string;
  xsrf: string;
  userCode: string;
  client: ClientCard;
  requester: { browser?: string; place?: string; agoMs: number };
  account?: AccountCard;
}

export interface DeviceDoneContext {
  outcome: 'approved' | 'denied';
  client: ClientCard;
}

/** Posts `xsrf`, and `logout=yes` unless only this app's sign-in shall end (the engine's names). */
export interface SignOutContext {
  action: string;
  xsrf: string;
  client?: ClientCard;
  account?: AccountCard;
  /** Back without signing out. */
  cancelUrl?: string;
}

export interface SignedOutContext {
  client?: ClientCard;
  signInUrl?: string;
}

export type DeviceClass = 'phone' | 'tablet' | 'desktop' | 'browser' | 'mini-program' | 'tv' | 'server';

export interface DeviceRow {
  id: string;
  platform: string;
  class: DeviceClass;
  name: string;
  current: boolean;
  place?: string;
  activeAgoMs: number;
  startedAgoMs: number;
  startedBy: { how: StartedHow; byName?: string };
  /** Names of the apps signed in on it. */
  apps: readonly string[];
  endUrl: string;
}

export interface EndedRow {
  name: string;
  class: DeviceClass;
  reason: EndReason;
  agoMs: number;
}

/** Each button posts `csrf` to its own address. */
export interface DevicesContext {
  account: AccountCard;
  csrf: string;
  sessions: readonly DeviceRow[];
  ended: readonly EndedRow[];
  signOutOthersUrl: string;
  notice?: 'ended' | 'others_ended';
}

export interface OutboxContext {
  /** Newest first. */
  mails: readonly { agoMs: number; to: string; subject: string; text: string }[];
}

/** A camera outside the app has read a code: nothing happens but that the page says what to do. */
export interface QrLandingContext {
  client?: ClientCard;
}

/** Refusals that have no code of their own in the domain. */
export type PageErrorCode = ErrorCode | 'app_mistake' | 'internal' | 'page_expired';

export interface ErrorContext {
  code: PageErrorCode;
  /** Finds the line in the log. */
  reference?: string;
  /** The protocol's public words, for the people who build the app that sent the person here. */
  developers?: { error: string; description?: string };
  backUrl?: string;
}

export interface NotFoundContext {
  backUrl?: string;
}

/** Answered with 503 and Retry-After. */
export interface BusyContext {
  retryUrl?: string;
}

/** Brings its words along, which are in a file of their own; what its scripts need comes as JSON. */
export interface PlaygroundContext {
  words: PlaygroundWords;
  scriptWords: string;
  settings: string;
  /** Shown to whoever tries the development profile. */
  demoAccount?: { identifier: string; password: string };
}

export type PlaygroundPane = 'pc' | 'phone';

export interface PlaygroundPaneContext extends PlaygroundContext {
  pane: PlaygroundPane;
}

export interface ViewContexts {
  'sign-in': SignInContext;
  'qr-continue': QrContinueContext;
  'sign-up': SignUpContext;
  'sign-up-confirm': SignUpConfirmContext;
  consent: ConsentContext;
  'device-code': DeviceCodeContext;
  'device-confirm': DeviceConfirmContext;
  'device-done': DeviceDoneContext;
  'sign-out': SignOutContext;
  'signed-out': SignedOutContext;
  devices: DevicesContext;
  outbox: OutboxContext;
  'qr-landing': QrLandingContext;
  error: ErrorContext;
  'not-found': NotFoundContext;
  busy: BusyContext;
  playground: PlaygroundContext;
  'playground-pane': PlaygroundPaneContext;
}

export type ViewName = keyof ViewContexts;
