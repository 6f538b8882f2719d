// Errors that only the edge reacts to. A domain function throws one with a code of this closed list; the
// edge maps the code to a status and to words in one table (I9). What a caller must act on differently is
// no error but a discriminated union.

export const errorStatus = {
  account_locked: 403,
  conflict: 409,
  csrf: 403,
  forbidden: 403,
  invalid_request: 400,
  not_found: 404,
  overloaded: 503,
  payload_too_large: 413,
  rate_limited: 429,
  sign_in_required: 401,
  store_unavailable: 503,
  unsupported_media_type: 415,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof errorStatus;

export interface ErrorFacts {
  /** For the log alone; never shown to a caller. */
  detail?: string;
  /** Seconds after which a retry makes sense; becomes `Retry-After`. */
  retryAfterSeconds?: number;
  cause?: unknown;
}

export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, facts: ErrorFacts = {}) {
    super(facts.detail ?? code, { cause: facts.cause });
    this.code = code;
    this.detail = facts.detail;
    this.retryAfterSeconds = facts.retryAfterSeconds;
  }

  get status(): number {
    return errorStatus[this.code];
  }
}
