// Refusals of the token endpoint that the engine has no class for.
import { errors } from 'oidc-provider';
import { DomainError } from '../core/errors.ts';
import type { EndReason } from '../sessions/device-session.ts';

/** `invalid_grant` for whoever showed a genuine token of a session that has ended: it learns why. */
export class SessionEnded extends errors.InvalidGrant {
  readonly error_reason: EndReason;

  constructor(reason: EndReason) {
    super(`the session has ended: ${reason}`);
    this.error_reason = reason;
  }
}

/** 429 for a late duplicate of an old request: libraries keep their tokens and try again. */
export class Superseded extends errors.TemporarilyUnavailable {
  readonly error_reason = 'superseded';
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super('this refresh token was superseded a moment ago; use the newest one');
    this.status = 429;
    this.statusCode = 429;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** 503 while the store or a queue cannot take more. */
export class Overloaded extends errors.TemporarilyUnavailable {
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds = 1) {
    super('the server is busy; try again in a moment');
    this.status = 503;
    this.statusCode = 503;
    this.expose = true;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Runs what may fail for want of capacity; the engine answers 503 instead of 500 (I9). */
export function withOverload<Arguments extends unknown[], Answer>(
  work: (...given: Arguments) => Promise<Answer>,
): (...given: Arguments) => Promise<Answer> {
  return async (...given) => {
    try {
      return await work(...given);
    } catch (error) {
      const isPassing =
        error instanceof DomainError && (error.code === 'overloaded' || error.code === 'store_unavailable');
      if (isPassing) throw new Overloaded(error.retryAfterSeconds);
      throw error;
    }
  };
}
