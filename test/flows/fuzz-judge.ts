// What every answer must be like, whatever was asked (I9).
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { errorStatus } from '../../src/core/errors.ts';
import { qrProblemStatus } from '../../src/web/api/qr-problems.ts';
import type { WireAnswer, WireRequest } from '../support/socket-http.ts';

/** RFC 6749 and its extensions, as the endpoints for programs say them. */
const protocolErrors = [
  'access_denied',
  'authorization_pending',
  'confirmation_required',
  'consent_required',
  'expired_token',
  'insufficient_scope',
  'interaction_required',
  'invalid_client',
  'invalid_dpop_proof',
  'invalid_grant',
  'invalid_request',
  'invalid_request_object',
  'invalid_request_uri',
  'invalid_scope',
  'invalid_target',
  'invalid_token',
  'login_required',
  'request_not_supported',
  'request_uri_not_supported',
  'slow_down',
  'temporarily_unavailable',
  'unauthorized_client',
  'unsupported_grant_type',
  'unsupported_response_mode',
  'unsupported_response_type',
  'unsupported_token_type',
  'use_dpop_nonce',
];

const closedList = new Set([
  ...protocolErrors,
  ...Object.keys(errorStatus),
  ...Object.keys(qrProblemStatus),
  'page_expired',
]);

/** Endpoints that no person looks at. */
const forPrograms =
  /^\/(token|introspect|revoke|par|userinfo|jwks|device\/authorize|api\/.*|playground\/api\/.*|\.well-known\/.*)\/?$/i;

const root = fileURLToPath(new URL('../../', import.meta.url));
const stackLine = /\bat .{1,200}\.[jt]s:\d+|node_modules|node:internal/;

/** The codes that refusals have carried so far. */
export const seenCodes = new Set<string>();

export function expectSound(request: WireRequest, answer: WireAnswer): void {
  const { status, head, headers, body } = answer;
  const what = `${request.method} ${request.target.slice(0, 200)} → ${status} ${body.slice(0, 200)}`;

  expect(status < 500 || status === 503, what).toBe(true);
  if (status === 503) expect(headers.get('retry-after'), what).toMatch(/^\d+$/);
  expect(headers.get('x-injected'), what).toBeNull();
  expect(head, what).not.toMatch(/[\r\n]x-injected/i);
  expect(body, what).not.toMatch(stackLine);
  expect(body.includes(root), what).toBe(false);
  expect(headers.get('location') ?? '', what).not.toMatch(/^(https?:)?[/\\]{2}evil/);
  expectRefusalInWords(request, answer, what);
}

function expectRefusalInWords({ method, target }: WireRequest, answer: WireAnswer, what: string): void {
  const { status, headers, body } = answer;
  const type = headers.get('content-type') ?? '';
  const isJson = /json/.test(type);
  const isOurs = headers.has('content-security-policy');
  if (status < 400 || method === 'HEAD' || !isOurs) return;

  if (forPrograms.test(target.split('?')[0] ?? '')) expect(isJson, `JSON for programs: ${what}`).toBe(true);
  if (!isJson) {
    expect(type, what).toMatch(/^text\/html/);
    return;
  }
  const { error, code } = JSON.parse(body);
  const said = error ?? code;
  seenCodes.add(said);
  expect(closedList.has(said), `a code of the list: ${said} in ${what}`).toBe(true);
}
