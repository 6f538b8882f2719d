// What our pages tell the engine about a completed sign-in. The engine keeps it in the interaction, which is
// sealed and bound to the browser's cookie.

import type { SessionId } from '../core/ids.ts';
import type { StartedHow } from '../sessions/device-session.ts';

export interface SignInResult {
  accountId: string;
  acr: string;
  amr: string[];
  /** Seconds since the epoch: when the account proved itself. */
  ts: number;
  /** The same or a later moment in ms: an end of the account after it makes the sign-in void. */
  authenticatedAt: number;
  remember: boolean;
  startedBy: { how: StartedHow; sessionId?: SessionId };
  /** The browser's device session; absent for native apps, whose session starts with their code. */
  deviceSessionId?: SessionId;
}

export function signInResult(result: { login?: unknown } | undefined): SignInResult | undefined {
  // Only our own pages finish interactions, and they write this shape.
  return result?.login as SignInResult | undefined;
}
