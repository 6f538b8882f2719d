// What one request to the engine has learnt so far, kept on Koa's `ctx.state`: the session that was read is
// not read again, and the claims of a token know the session it is issued in.
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Account } from '../accounts/account.ts';
import type { DeviceSession, End } from '../sessions/device-session.ts';
import type { SessionPlan } from './one-time-codes.ts';

export interface EndedSession {
  end: End;
  platform: string;
}

export interface RequestState {
  /** The session that this request's tokens belong to. */
  deviceSession?: DeviceSession;
  account?: Account;
  /** The browser was signed in, and its session has ended since. */
  endedSession?: EndedSession;
  /** What the code that this request saves will start or join. */
  plan?: SessionPlan;
  /** Name of the cookie of the engine session that a native app's sign-in has to itself. */
  nativeCookie?: string;
  /** The browser's session as the store has it, so that an unchanged one is not written again. */
  storedSession?: { value: string; content: string; expiresAt: number; savedAt: number; replaces?: string };
  /** Ends what this request signs out, when the browser's own session is about to go or to lose an app. */
  endSignedOut?: (what: 'session' | 'app') => Promise<void>;
  /** The id that the engine's session had before, where it gets a new one. */
  replacedSession?: string;
  /** The native app has its answer; its engine session goes with it. */
  nativeAnswered?: boolean;
  /** Sessions and tokens read for this request, by id. */
  reads?: Map<string, Promise<unknown>>;
  /** Claims that the API of this request's token asks for. */
  apiClaims?: Record<string, unknown>;
  /** The store was away or full, so the engine's answer is none. */
  outage?: { retryAfterSeconds: number };
  /** The engine refused the token for being a JWT; the answer is ours. */
  isStructuredToken?: boolean;
}

export function requestState(ctx: Pick<KoaContextWithOIDC, 'state'>): RequestState {
  // Koa types `state` as any; this is the one place that says what is in it.
  return ctx.state as RequestState;
}

/** Reads once per request; the answers of later calls are the same object. */
export function readOnce<Value>(
  ctx: Pick<KoaContextWithOIDC, 'state'> | undefined,
  key: string,
  read: () => Promise<Value>,
): Promise<Value> {
  if (!ctx) return read();

  const state = requestState(ctx);
  state.reads ??= new Map();
  const known = state.reads.get(key);
  // The key names the kind of record, so the value under it is of that kind.
  if (known) return known as Promise<Value>;

  const reading = read();
  state.reads.set(key, reading);
  return reading;
}
