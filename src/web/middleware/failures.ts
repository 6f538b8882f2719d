// Where what went wrong becomes an answer: a problem document (RFC 9457) for programs, a page for people.
// No stack trace and no detail leaves the server (I9); the request id finds them in the log.
import type { Context, Next } from 'koa';
import { DomainError } from '../../core/errors.ts';
import { isOutage } from '../../oidc/engine-refusals.ts';
import { isInteractionLost } from '../../oidc/engine-types.ts';
import { showPage } from '../pages/page.ts';
import type { PageErrorCode } from '../views.ts';
import type { WebDeps } from '../web-deps.ts';
import { webState } from '../web-state.ts';

interface Failure {
  status: number;
  code: PageErrorCode;
  retryAfterSeconds?: number;
  isOurs: boolean;
}

export function failures(deps: WebDeps) {
  return async function answerFailure(ctx: Context, next: Next): Promise<void> {
    try {
      await next();
    } catch (error) {
      const failure = failureOf(error);
      const { requestId } = webState(ctx);
      if (failure.isOurs) deps.log.error({ err: error, id: requestId }, 'a request failed');
      answer(deps, ctx, failure);
    }
    if (ctx.status === 404 && ctx.body === undefined) answer(deps, ctx, notFound);
  };
}

const notFound: Failure = { status: 404, code: 'not_found', isOurs: false };

function failureOf(error: unknown): Failure {
  if (error instanceof DomainError) {
    const { status, code, retryAfterSeconds } = error;
    return { status, code, isOurs: false, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  }
  if (isOutage(error)) return outage(error);
  if (isInteractionLost(error)) return { status: 400, code: 'page_expired', isOurs: false };
  if (isClientFault(error)) return { status: error.status, code: codeOfStatus(error.status), isOurs: false };

  return { status: 500, code: 'internal', isOurs: true };
}

/** What the engine makes of a store that is away. */
function outage({ retryAfterSeconds }: { retryAfterSeconds?: number }): Failure {
  return {
    status: 503,
    code: 'overloaded',
    isOurs: false,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
}

/** Errors of libraries that read requests carry a status. */
function isClientFault(error: unknown): error is { status: number } {
  if (typeof error !== 'object' || error === null || !('status' in error)) return false;

  const { status } = error;
  return typeof status === 'number' && status >= 400 && status < 500;
}

function codeOfStatus(status: number): PageErrorCode {
  switch (status) {
    case 404:
      return 'not_found';
    case 413:
      return 'payload_too_large';
    case 415:
      return 'unsupported_media_type';
    default:
      return 'invalid_request';
  }
}

/** No person looks at these, so they answer JSON whatever the request says it accepts. */
const ofApis = /^\/(api|playground\/api|\.well-known)\//i;
const ofProtocol = /^\/(token|introspect|revoke|par|userinfo|jwks|device\/authorize)\/?$/i;

function answer(deps: WebDeps, ctx: Context, failure: Failure): void {
  ctx.status = failure.status;
  ctx.set('cache-control', 'no-store');
  // What was not kept must not take the place of what the browser has: an outage signs nobody out.
  if (failure.status === 503) ctx.remove('set-cookie');
  if (failure.status === 503 || failure.retryAfterSeconds !== undefined) {
    ctx.set('retry-after', String(failure.retryAfterSeconds ?? 1));
  }
  if (ofProtocol.test(ctx.path)) answerClient(ctx, failure);
  else if (isForProgram(ctx)) answerProblem(ctx, { status: failure.status, code: failure.code });
  else answerPage(deps, ctx, failure);
}

function isForProgram(ctx: Context): boolean {
  return ofApis.test(ctx.path) || ctx.accepts('html', 'json') !== 'html';
}

/** RFC 6749 §5.2: what libraries of clients read. The status says the rest. */
function answerClient(ctx: Context, { status, code }: Failure): void {
  ctx.body = { error: clientError(status), error_description: code.replaceAll('_', ' ') };
}

function clientError(status: number): string {
  if (status < 500 && status !== 429) return 'invalid_request';
  return status === 503 || status === 429 ? 'temporarily_unavailable' : 'server_error';
}

/** RFC 9457, with the code that programs go by. */
export function answerProblem(
  ctx: Context,
  problem: { status: number; code: string } & Record<string, unknown>,
): void {
  ctx.status = problem.status;
  ctx.type = 'application/problem+json';
  ctx.body = JSON.stringify({ type: 'about:blank', title: problem.code.replaceAll('_', ' '), ...problem });
}

/** Drawing this page may fail as well, when it is the views that are broken: what went wrong first still counts. */
function answerPage(deps: WebDeps, ctx: Context, failure: Failure): void {
  const { status, code } = failure;
  try {
    if (code === 'not_found') showPage(deps, ctx, 'not-found', {}, status);
    else if (status === 503) showPage(deps, ctx, 'busy', {}, status);
    else showPage(deps, ctx, 'error', { code, reference: webState(ctx).requestId }, status);
  } catch (error) {
    deps.log.error({ err: error, id: webState(ctx).requestId }, 'an error page could not be drawn');
    answerProblem(ctx, { status, code });
  }
}
