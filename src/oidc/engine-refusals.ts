// What the engine's refusals do not say by themselves: that a body was too large, and that the store was away.
// The engine tells of each refusal by an event, when its answer is there already.
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { DomainError } from '../core/errors.ts';
import { Overloaded } from '../grants/refusals.ts';
import { requestState } from '../grants/request-state.ts';

const refusals = [
  'authorization.error',
  'code_verification.error',
  'device_authorization.error',
  'device_resume.error',
  'discovery.error',
  'end_session.error',
  'end_session_confirm.error',
  'end_session_success.error',
  'grant.error',
  'introspection.error',
  'jwks.error',
  'pushed_authorization_request.error',
  'revocation.error',
  'server_error',
  'userinfo.error',
] as const;

export function nameRefusals(provider: Provider): void {
  // The types have one overload for each event.
  const events: NodeJS.EventEmitter = provider;
  for (const refusal of refusals) {
    events.on(refusal, nameLargeBody);
    events.on(refusal, noteOutage);
  }
}

/** A body that is sent in pieces is too large only once that much has come; the engine calls it malformed. */
function nameLargeBody(ctx: KoaContextWithOIDC, error: Error): void {
  const isTooLarge = error.cause instanceof Error && error.cause.message === 'request entity too large';
  if (isTooLarge && ctx.status === 400) ctx.status = 413;
}

/** For the web layer, which has the words for it (web/middleware/engine-answers.ts). */
function noteOutage(ctx: KoaContextWithOIDC, error: Error): void {
  if (isOutage(error)) requestState(ctx).outage = { retryAfterSeconds: error.retryAfterSeconds ?? 1 };
}

/** Nothing is wrong with the request: it may come again. */
export function isOutage(error: unknown): error is { retryAfterSeconds?: number } {
  return error instanceof Overloaded || (error instanceof DomainError && error.status === 503);
}
