// The target of a request (RFC 9112 §3.2). Koa takes it apart when somebody first asks for the path, with a
// parser that throws on what is no address; so it is asked here, before anything depends on the answer.
import type { Context, Next } from 'koa';
import { answerProblem } from './failures.ts';

export async function readableTarget(ctx: Context, next: Next): Promise<void> {
  if (isReadable(ctx)) return next();

  answerProblem(ctx, { status: 400, code: 'invalid_request' });
}

function isReadable(ctx: Context): boolean {
  try {
    return ctx.path.startsWith('/');
  } catch {
    return false;
  }
}
