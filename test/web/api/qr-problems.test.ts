import type { Context } from 'koa';
import { describe, expect, it } from 'vitest';
import type { QrRefusal } from '../../../src/qr/refusal.ts';
import { answerQrRefusal, qrProblemStatus } from '../../../src/web/api/qr-problems.ts';

/** As much of a context as an answer needs. */
function answered(refusal: QrRefusal) {
  const headers: Record<string, string> = {};
  const ctx = { set: (name: string, value: string) => Object.assign(headers, { [name]: value }) };
  answerQrRefusal(ctx as unknown as Context, refusal);
  const { status, type, body } = ctx as unknown as { status: number; type: string; body: string };
  return { status, type, headers, body: JSON.parse(body) };
}

describe('answerQrRefusal', () => {
  it('is a problem document with the code that programs go by', () => {
    expect(answered({ code: 'already_used' })).toEqual({
      status: 409,
      type: 'application/problem+json',
      headers: {},
      body: { type: 'about:blank', title: 'already used', status: 409, code: 'already_used' },
    });
  });

  it('tells how many tries are left, and where a transaction stands', () => {
    expect(answered({ code: 'wrong_number', attemptsLeft: 2 }).body.attempts_left).toBe(2);
    expect(answered({ code: 'state_conflict', state: 'denied' }).body.state).toBe('denied');
  });

  it.each([
    ['too_many', 503],
    ['rate_limited', 429],
  ] as const)('%s is %i and says when to come back, in whole seconds', (code, status) => {
    expect(answered({ code, retryAfterMs: 1_200 })).toMatchObject({
      status,
      headers: { 'retry-after': '2' },
    });
  });

  it('keeps to itself why a grant is invalid', () => {
    expect(JSON.stringify(answered({ code: 'invalid_grant', why: 'binding' }).body)).not.toContain('binding');
  });
});

describe('qrProblemStatus', () => {
  it('answers with 5xx for overload alone (I9)', () => {
    const serverErrors = Object.entries(qrProblemStatus).filter(([, status]) => status >= 500);

    expect(serverErrors).toEqual([['too_many', 503]]);
  });
});
