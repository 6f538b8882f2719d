// What the web layer needs to know of the engine, so that nothing else imports it.
import type { Client, KoaContextWithOIDC, Provider } from 'oidc-provider';
import { errors } from 'oidc-provider';

export type Engine = Provider;
export type EngineContext = KoaContextWithOIDC;
export type EngineClient = Client;

/** The cookie of a sign-in is gone, or the sign-in is over: nothing that a person did wrong. */
export function isInteractionLost(error: unknown): boolean {
  return error instanceof errors.SessionNotFound;
}
