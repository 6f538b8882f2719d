// How a request shows that it may read a transaction: the poll secret of an app, the cookie of the browser
// whose page shows the code, or the token of the phone that scanned it.
import type { Context } from 'koa';
import { cookieNames } from '../../oidc/settings.ts';
import type { Access } from '../../qr/access.ts';
import { browserSecret } from '../browser.ts';
import { isFromElsewhere, requestOrigin } from '../same-origin.ts';
import type { WebDeps } from '../web-deps.ts';
import { requireBearer } from './bearer.ts';
import { allowOrigin } from './qr-cors.ts';
import { answerQrProblem } from './qr-problems.ts';

/** Who asks, or undefined when the refusal has been answered. */
export async function requireAccess(deps: WebDeps, ctx: Context): Promise<Access | undefined> {
  if (/^Bearer /i.test(ctx.get('authorization'))) {
    const bearer = await requireBearer(deps, ctx, 'qr:approve');
    return bearer && { kind: 'session', sessionId: bearer.session.id };
  }
  const access = secretAccess(ctx) ?? cookieAccess(deps, ctx);
  if (!access) answerQrProblem(ctx, 'not_found');
  return access;
}

export function secretAccess(ctx: Context): Access | undefined {
  const [, secret] = /^Strata-QR ([\w.-]{1,128})$/i.exec(ctx.get('authorization')) ?? [];
  if (secret === undefined) return undefined;

  allowOrigin(ctx);
  return { kind: 'secret', secret };
}

function cookieAccess(deps: WebDeps, ctx: Context): Access | undefined {
  const { issuer } = deps.config;
  const hasCookie = ctx.cookies.get(cookieNames(issuer).browser, { signed: false }) !== undefined;
  if (!hasCookie || isFromElsewhere(requestOrigin(ctx), issuer)) return undefined;

  return { kind: 'cookie', cookie: browserSecret(deps, ctx) };
}
