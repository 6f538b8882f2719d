// How QR sign-in says no over HTTP: each code of the closed list with its status (I9). What a client must go
// by is the code; the status is for what stands between.
import type { Context } from 'koa';
import type { QrRefusal } from '../../qr/refusal.ts';
import { answerProblem } from '../middleware/failures.ts';

/** The edge's own: refusals that come before the engine of QR sign-in is asked. */
type EdgeCode =
  /** There is no such client, or it is disabled. */
  | 'invalid_client'
  /** `fields` names what is wrong with the body. */
  | 'invalid_request'
  /** The client may have nothing of what it asks for. */
  | 'invalid_scope'
  /** The client is not one that may do this. */
  | 'unauthorized_client'
  /** RFC 9470: the person must sign in again before they let others in. */
  | 'insufficient_user_authentication';

export type QrProblemCode = QrRefusal['code'] | EdgeCode;

export const qrProblemStatus: Readonly<Record<QrProblemCode, number>> = {
  access_denied: 403,
  already_used: 409,
  authorization_pending: 409,
  confirmation_required: 409,
  direction_off: 403,
  expired_token: 410,
  insufficient_user_authentication: 401,
  invalid_client: 400,
  invalid_code: 400,
  invalid_grant: 400,
  invalid_request: 400,
  invalid_scope: 400,
  not_found: 404,
  rate_limited: 429,
  state_conflict: 409,
  too_many: 503,
  unauthorized_client: 403,
  unknown_handshake: 404,
  wrong_direction: 400,
  wrong_number: 400,
};

export function answerQrProblem(
  ctx: Context,
  code: QrProblemCode,
  facts: Readonly<Record<string, unknown>> = {},
): void {
  answerProblem(ctx, { status: qrProblemStatus[code], code, ...facts });
}

export function answerQrRefusal(ctx: Context, refusal: QrRefusal): void {
  if ('retryAfterMs' in refusal) ctx.set('retry-after', String(Math.ceil(refusal.retryAfterMs / 1000)));
  answerQrProblem(ctx, refusal.code, factsOf(refusal));
}

/** What of a refusal the caller may know; why a grant is invalid is for the log alone. */
function factsOf(refusal: QrRefusal): Record<string, unknown> {
  switch (refusal.code) {
    case 'wrong_number':
      return { attempts_left: refusal.attemptsLeft };
    case 'state_conflict':
      return { state: refusal.state };
    default:
      return {};
  }
}
