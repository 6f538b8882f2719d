// POST /api/qr/transactions: an app that wants to be let in by a phone gets a code for its screen and a secret
// to redeem with (`map_token` at the token endpoint, with the verifier of the challenge it gave).
import type { Context } from 'koa';
import { z } from 'zod';
import type { ClientRecord } from '../../clients/client.ts';
import { defaultPlatform, mayUseMapToken } from '../../clients/client.ts';
import { scopeCeiling } from '../../grants/granted-scopes.ts';
import { isCodeChallenge } from '../../qr/binding.ts';
import type { OpeningRequest } from '../../qr/opening.ts';
import { openTransaction } from '../../qr/opening.ts';
import { viewTransaction } from '../../qr/viewing.ts';
import { requesterOf } from '../requester.ts';
import type { WebDeps } from '../web-deps.ts';
import { webState } from '../web-state.ts';
import { readBody } from './qr-body.ts';
import { allowClientOrigin } from './qr-cors.ts';
import { openedPayload } from './qr-payloads.ts';
import { answerQrProblem, answerQrRefusal } from './qr-problems.ts';

const scopeShape = /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/;
const resource = z.string().max(512).refine(URL.canParse);

const openingBody = z.object({
  client_id: z.string().regex(/^[\x21-\x7e]{1,128}$/),
  scope: z.string().max(1024).regex(scopeShape),
  resource: z.union([resource, z.array(resource).max(8)]).optional(),
  code_challenge: z.string().refine(isCodeChallenge),
  code_challenge_method: z.literal('S256'),
});

export async function createTransaction(deps: WebDeps, ctx: Context): Promise<void> {
  const body = readBody(ctx, openingBody);
  if (!body) return;

  const client = await deps.clients.find(body.client_id);
  if (!client || client.disabled) return answerQrProblem(ctx, 'invalid_client');

  allowClientOrigin(ctx, client);
  if (!mayUseMapToken(client)) return answerQrProblem(ctx, 'unauthorized_client');

  const resources = [body.resource ?? []].flat();
  const scope = possibleScope(deps, client, { scope: body.scope, resource: resources });
  if (scope === '') return answerQrProblem(ctx, 'invalid_scope');

  await answerOpened(deps, ctx, {
    ...openingOf(deps, ctx, client),
    opener: { role: 'grantee', binding: { kind: 'pkce', challenge: body.code_challenge } },
    scope,
    ...(resources.length > 0 && { resource: resources }),
  });
}

/** What is the same at the sign-in page and here. */
export function openingOf(
  deps: WebDeps,
  ctx: Context,
  client: ClientRecord,
): Pick<OpeningRequest, 'direction' | 'clientId' | 'confirm' | 'requester' | 'address'> {
  return {
    direction: 'map',
    clientId: client.id,
    confirm: client.metadata.qr_confirm ?? deps.config.qr.confirm,
    requester: requesterOf(ctx),
    address: webState(ctx).address,
  };
}

async function answerOpened(deps: WebDeps, ctx: Context, request: OpeningRequest): Promise<void> {
  const opened = await openTransaction(deps.qr, request);
  if (opened.kind === 'refused') return answerQrRefusal(ctx, opened.refusal);

  const { id, pollSecret = '' } = opened;
  const snapshot = await viewTransaction(deps.qr, { id, access: { kind: 'secret', secret: pollSecret } });
  if (snapshot.kind === 'refused') return answerQrRefusal(ctx, snapshot.refusal);

  const { issuer, qr } = deps.config;
  ctx.status = 201;
  ctx.body = { ...openedPayload(snapshot, { base: issuer, intervalMs: qr.interval }), map_token: pollSecret };
}

/** The grantor decides by what it is shown, so it is shown no scope that the client could never get. */
function possibleScope(
  deps: WebDeps,
  client: ClientRecord,
  asked: { scope: string; resource: readonly string[] },
): string {
  const platform = deps.config.platforms[defaultPlatform(client.metadata)] ?? {};
  const { openid, resources } = scopeCeiling(asked, { client, platform, apiScopes: deps.apis.scopes });
  const scopes = [openid, ...Object.values(resources)].flatMap((scope) => scope.split(' '));
  return [...new Set(scopes)].filter(Boolean).join(' ');
}
