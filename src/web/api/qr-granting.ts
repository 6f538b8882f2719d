// /api/qr/scan, approve and deny: the phone's side. Who lets in is who the access token says, as its session
// stands now (M10); the app must be one that the operator trusts with it, and the person must have signed in
// lately: an unlocked phone on a table must not be enough to sign in somebody else's screen.
import type { Context } from 'koa';
import { z } from 'zod';
import type { AccountId } from '../../core/ids.ts';
import { networkPrefix } from '../../protection/address.ts';
import { takeAll } from '../../protection/limiter.ts';
import { approveTransaction, denyTransaction } from '../../qr/approving.ts';
import { scanTransaction } from '../../qr/scanning.ts';
import type { Grantor } from '../../qr/transaction.ts';
import { addressPrefixOf } from '../requester.ts';
import type { WebDeps } from '../web-deps.ts';
import { webState } from '../web-state.ts';
import type { Bearer } from './bearer.ts';
import { requireBearer } from './bearer.ts';
import { readBody } from './qr-body.ts';
import { scannedPayload } from './qr-payloads.ts';
import { answerQrProblem, answerQrRefusal } from './qr-problems.ts';

const secret = z.string().min(1).max(128);
const scanBody = z.object({ id: secret, code: secret });
const approveBody = z.object({ handshake: secret, number: z.string().max(8).optional() });
const denyBody = z.object({ handshake: secret, reason: z.enum(['not_me', 'mistake']) });

export async function scan(deps: WebDeps, ctx: Context): Promise<void> {
  const grantor = await requireFreshGrantor(deps, ctx);
  const body = grantor && readBody(ctx, scanBody);
  if (!body) return;

  const limit = takeAll(scanBudgets(deps, ctx, grantor));
  if (limit.kind === 'limited') {
    const retryAfterMs = limit.retryAfterSeconds * 1000;
    return answerQrRefusal(ctx, { code: 'rate_limited', retryAfterMs });
  }
  const scanned = await scanTransaction(deps.qr, {
    ...body,
    direction: 'map',
    scanner: { role: 'grantor', grantor },
  });
  if (scanned.kind === 'refused') return answerQrRefusal(ctx, scanned.refusal);
  if (scanned.role !== 'grantor') return answerQrProblem(ctx, 'wrong_direction');

  const { clientId } = scanned.request;
  const client = await deps.clients.find(clientId);
  ctx.body = scannedPayload(scanned, client?.metadata.client_name ?? clientId);
}

export async function approve(deps: WebDeps, ctx: Context): Promise<void> {
  const grantor = await requireFreshGrantor(deps, ctx);
  const body = grantor && readBody(ctx, approveBody);
  if (!body) return;

  const { handshake, number } = body;
  const outcome = await approveTransaction(deps.qr, {
    claim: { kind: 'handshake', handshake },
    grantor,
    ...(number !== undefined && { number }),
  });
  if (outcome.kind === 'refused') return answerQrRefusal(ctx, outcome.refusal);
  ctx.status = 204;
}

/** Never held up by a sign-in that is due: who says no must be heard. */
export async function deny(deps: WebDeps, ctx: Context): Promise<void> {
  const bearer = await requireGrantorApp(deps, ctx);
  const body = bearer && readBody(ctx, denyBody);
  if (!body) return;

  const outcome = await denyTransaction(deps.qr, {
    claim: { kind: 'handshake', handshake: body.handshake },
    grantor: { sessionId: bearer.session.id },
    reason: body.reason,
  });
  if (outcome.kind === 'refused') return answerQrRefusal(ctx, outcome.refusal);
  ctx.status = 204;
}

/** The person behind a trusted app, or undefined when the refusal has been answered. */
async function requireFreshGrantor(deps: WebDeps, ctx: Context): Promise<Grantor | undefined> {
  const bearer = await requireGrantorApp(deps, ctx);
  if (!bearer) return undefined;

  const { id: sessionId, accountId, auth } = bearer.session;
  if (accountId === undefined || auth === undefined) {
    answerQrProblem(ctx, 'unauthorized_client');
    return undefined;
  }
  if (!isFresh(auth.time, deps.clock.now())) return askToSignInAgain(ctx);

  return grantorOf(ctx, { sessionId, accountId, auth });
}

async function requireGrantorApp(deps: WebDeps, ctx: Context): Promise<Bearer | undefined> {
  const bearer = await requireBearer(deps, ctx, 'qr:approve');
  if (!bearer) return undefined;

  const client = await deps.clients.find(bearer.claims.client_id);
  const { first_party: isFirstParty, qr_approve: mayApprove } = client?.metadata ?? {};
  if (client && !client.disabled && isFirstParty && mayApprove) return bearer;

  answerQrProblem(ctx, 'unauthorized_client');
  return undefined;
}

function grantorOf(
  ctx: Context,
  session: { sessionId: Grantor['sessionId']; accountId: AccountId; auth: Grantor['auth'] },
): Grantor {
  return { ...session, addressPrefix: addressPrefixOf(ctx) };
}

const FRESH_SECONDS = 300;

/** `authTime` in seconds, of the session and not of the token, which does not hear of a new sign-in. */
export function isFresh(authTime: number, now: number): boolean {
  return now - authTime * 1000 <= FRESH_SECONDS * 1000;
}

/** RFC 9470 §3. */
function askToSignInAgain(ctx: Context): undefined {
  const error = 'insufficient_user_authentication';
  ctx.set('www-authenticate', `Bearer error="${error}", max_age="${FRESH_SECONDS}"`);
  answerQrProblem(ctx, error, { max_age: FRESH_SECONDS });
  return undefined;
}

function scanBudgets({ qr }: WebDeps, ctx: Context, { sessionId }: Grantor) {
  return [
    { limiter: qr.scanLimits.session, key: sessionId },
    { limiter: qr.scanLimits.network, key: networkPrefix(webState(ctx).address) },
  ];
}
