// The claims hook: one HTTP call that lets a product's own service add claims to access tokens. It is an
// operator's URL, but its answer ends up in signed tokens, so it is bounded (time, bytes, calls at once) and
// can never set what the server itself vouches for: who, for whom, until when, how strongly signed in.
import { createHmac } from 'node:crypto';
import { ownClaims } from '../config/apis.ts';
import { type Clock, nowSeconds } from '../core/clock.ts';
import { createWorkQueue } from '../protection/work-queue.ts';
import type { Json } from '../storage/store.ts';
import type { Account } from './account.ts';

export interface ClaimsHookSettings {
  readonly url: string;
  /** Milliseconds for the whole exchange. */
  readonly timeout: number;
  /** Key of the signature header; without one requests are not signed. */
  readonly secret?: string;
  /** What a failure means: no token for now (the default), or a token without the hook's claims. */
  readonly onFailure?: 'refuse' | 'ignore';
}

export interface ClaimsHookDeps {
  readonly clock: Clock;
  readonly log: { warn(facts: object, message: string): void };
}

export interface ClaimsRequest {
  readonly account: Pick<Account, 'id' | 'groups' | 'roles' | 'attributes'>;
  readonly clientId: string;
  /** The API's resource indicator; absent for the user-info endpoint and ID tokens. */
  readonly api?: string;
}

export type HookClaims =
  | { readonly kind: 'claims'; readonly claims: Readonly<Record<string, Json>> }
  /** The request is to be refused as `temporarily_unavailable`. */
  | { readonly kind: 'unavailable' };

export interface ClaimsHook {
  claimsFor(request: ClaimsRequest): Promise<HookClaims>;
}

/** `t=<seconds>,v1=<hex HMAC-SHA-256 of "t.body">`: the receiver refuses old times and wrong signatures. */
const SIGNATURE_HEADER = 'strata-signature';

const BODY_BYTES_MAX = 16_384;
const CALLS_AT_ONCE = 32;
const CALLS_WAITING_MAX = 256;

export function createClaimsHook(deps: ClaimsHookDeps, settings: ClaimsHookSettings): ClaimsHook {
  const queue = createWorkQueue({
    name: 'claims hook',
    parallel: CALLS_AT_ONCE,
    queueMax: CALLS_WAITING_MAX,
    retryAfterSeconds: 1,
  });

  async function claimsFor(request: ClaimsRequest): Promise<HookClaims> {
    // Counted from here, so that waiting for a turn takes from the time-out as well.
    const signal = AbortSignal.timeout(settings.timeout);
    try {
      const claims = await queue.run(() => ask(deps, settings, { request, signal }));
      return { kind: 'claims', claims };
    } catch (error) {
      deps.log.warn({ failure: failureName(error), api: request.api }, 'the claims hook failed');
      return settings.onFailure === 'ignore' ? { kind: 'claims', claims: {} } : { kind: 'unavailable' };
    }
  }

  return { claimsFor };
}

class HookFailure extends Error {
  override readonly name = 'HookFailure';
}

async function ask(
  deps: ClaimsHookDeps,
  settings: ClaimsHookSettings,
  call: { request: ClaimsRequest; signal: AbortSignal },
): Promise<Record<string, Json>> {
  const body = bodyOf(call.request);
  const response = await fetch(settings.url, {
    method: 'POST',
    body,
    signal: call.signal,
    // A redirect would send the account's data, signed, to wherever the answer says.
    redirect: 'error',
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      ...signatureHeader(settings.secret, nowSeconds(deps.clock), body),
    },
  });
  const text = await textOf(response);
  if (response.status !== 200) throw new HookFailure(`status ${response.status}`);
  return acceptedClaims(parseObject(text));
}

function bodyOf({ account, clientId, api }: ClaimsRequest): string {
  const { id, groups, roles, attributes } = account;
  return JSON.stringify({ account: { id, groups, roles, attributes }, client_id: clientId, api });
}

function signatureHeader(secret: string | undefined, seconds: number, body: string): Record<string, string> {
  if (secret === undefined) return {};

  const hex = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return { [SIGNATURE_HEADER]: `t=${seconds},v1=${hex}` };
}

/** The answer's text, read no further than the limit; what is left of it is not awaited. */
async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new HookFailure('answer too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseObject(text: string): Record<string, Json> {
  const value: unknown = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HookFailure('the answer is no JSON object');
  }
  // What JSON.parse makes is JSON, and the lines above left objects only.
  return value as Record<string, Json>;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HookFailure('the answer is no JSON', { cause: error });
  }
}

function acceptedClaims(answer: Record<string, Json>): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(answer).filter(([name]) => !ownClaims.has(name) && name !== '__proto__'),
  );
}

/** What went wrong in a word; the message of a foreign error may quote the answer. */
function failureName(error: unknown): string {
  if (error instanceof HookFailure) return error.message;

  return error instanceof Error ? error.name : 'unknown';
}
