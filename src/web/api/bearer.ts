// Whoever calls the JSON API shows an access token for it (RFC 6750). The token is checked with its session:
// one that has ended opens nothing from that moment on.
import type { Context } from 'koa';
import { ownApi } from '../../oidc/apis.ts';
import type { OwnClaims } from '../../oidc/own-tokens.ts';
import type { DeviceSession, EndReason } from '../../sessions/device-session.ts';
import { answerProblem } from '../middleware/failures.ts';
import type { WebDeps } from '../web-deps.ts';

export interface Bearer {
  session: DeviceSession;
  claims: OwnClaims;
}

/** The caller, or undefined when the refusal has been answered. */
export async function requireBearer(deps: WebDeps, ctx: Context, scope: string): Promise<Bearer | undefined> {
  const [, token] = /^Bearer ([\w.~+/=-]+)$/i.exec(ctx.get('authorization')) ?? [];
  if (token === undefined) return refuse(ctx, { status: 401, code: 'sign_in_required' });

  const judgement = await deps.tokens.judge(token);
  if (judgement.kind === 'ended') {
    return refuse(ctx, { status: 401, code: 'invalid_token', reason: judgement.end?.reason ?? 'signed_out' });
  }
  if (judgement.kind === 'unknown' || judgement.claims.aud !== ownApi(deps.config.issuer)) {
    return refuse(ctx, { status: 401, code: 'invalid_token' });
  }
  // A token that is bound to a key is worth nothing without its proof, and this API takes none.
  if (judgement.claims.cnf) return refuse(ctx, { status: 401, code: 'invalid_token' });

  const scopes = (judgement.claims.scope ?? '').split(' ');
  if (!scopes.includes(scope)) return refuse(ctx, { status: 403, code: 'insufficient_scope', scope });
  return { session: judgement.session, claims: judgement.claims };
}

function refuse(
  ctx: Context,
  refusal: { status: number; code: string; scope?: string; reason?: EndReason },
): undefined {
  const { status, code, scope, reason } = refusal;
  const parameters = [
    ...(code === 'sign_in_required' ? [] : [`error="${code}"`]),
    ...(scope === undefined ? [] : [`scope="${scope}"`]),
  ];
  ctx.set('www-authenticate', ['Bearer', parameters.join(', ')].filter(Boolean).join(' '));
  answerProblem(ctx, { status, code, ...(reason && { error_reason: reason }) });
  return undefined;
}
