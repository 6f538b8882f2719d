import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newSessionId } from '../../src/core/ids.ts';
import { randomToken } from '../../src/core/secrets.ts';
import { denyTransaction } from '../../src/qr/approving.ts';
import type { GranteeProof, RedemptionRequest } from '../../src/qr/redeeming.ts';
import { grantedAuthentication, prepareRedemption } from '../../src/qr/redeeming.ts';
import { qrTransactions } from '../../src/qr/transaction.ts';
import { viewTransaction } from '../../src/qr/viewing.ts';
import type { Desk } from './qr-desk.ts';
import {
  approvedPc,
  CLIENT,
  COOKIE,
  closeDesk,
  labelOf,
  look,
  newGrantor,
  openDesk,
  openPc,
  redeem,
  redemptionOf,
  scannedPc,
  VERIFIER,
} from './qr-desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(() => closeDesk(desk));

const pkce = { kind: 'pkce', verifier: VERIFIER } as const;

describe('prepareRedemption', () => {
  it('hands out what the session is made from, and the write that redeems', async () => {
    const { pc, grantor } = await approvedPc(desk, { resource: ['https://api.example'] });

    const redemption = await prepareRedemption(desk, redemptionOf(pc));

    expect(redemption).toMatchObject({
      kind: 'ready',
      approval: {
        transactionId: pc.id,
        accountId: grantor.accountId,
        grantorSessionId: grantor.sessionId,
        auth: { time: grantor.auth.time, acr: grantor.auth.acr, amr: ['pwd', 'qr'] },
        approvedAt: desk.clock.now(),
        clientId: CLIENT,
        scope: 'openid',
        resource: ['https://api.example'],
      },
    });
    expect((await look(desk, pc)).state).toBe('approved');
  });

  it('tells whoever waits which state the transaction is in', async () => {
    const pc = await openPc(desk);
    const { pc: scanned } = await scannedPc(desk);

    expect(await redeem(desk, pc)).toEqual({
      kind: 'refused',
      refusal: { code: 'authorization_pending', state: 'pending' },
    });
    expect(await redeem(desk, scanned)).toMatchObject({ refusal: { state: 'scanned' } });
  });

  it('refuses 60 s after the approval', async () => {
    const { pc } = await approvedPc(desk);
    desk.clock.advance(60_000);

    expect(await redeem(desk, pc)).toEqual({ kind: 'refused', refusal: { code: 'expired_token' } });
  });

  it('waits longer where a person has to answer before', async () => {
    const { pc } = await approvedPc(desk, { approvalMs: 3_600_000 });
    desk.clock.advance(3_599_999);

    expect(await redeem(desk, pc)).toHaveProperty('won');
  });

  it('does not let a write through that was prepared before the time was over', async () => {
    const { pc } = await approvedPc(desk);
    const redemption = await prepareRedemption(desk, redemptionOf(pc));
    desk.clock.advance(60_000);
    if (redemption.kind !== 'ready') throw new Error('not ready');

    const write = redemption.write({ sessionId: newSessionId(), app: '1', chain: '1' });

    expect((await desk.store.commit([write])).committed).toBe(false);
    expect(await redeem(desk, pc)).toMatchObject({ refusal: { code: 'expired_token' } });
  });

  it('does not let a write through that was prepared before an undo', async () => {
    const { pc, grantor, handshake } = await approvedPc(desk);
    const redemption = await prepareRedemption(desk, redemptionOf(pc));
    await denyTransaction(desk, { claim: { kind: 'handshake', handshake }, grantor, reason: 'not_me' });
    if (redemption.kind !== 'ready') throw new Error('not ready');

    const write = redemption.write({ sessionId: newSessionId(), app: '1', chain: '1' });

    expect((await desk.store.commit([write])).committed).toBe(false);
  });

  it('gives the same answer again for 30 s, and invalid_grant afterwards', async () => {
    const { pc } = await approvedPc(desk);
    const first = await redeem(desk, pc);
    const sessionId = 'won' in first ? first.won : undefined;
    desk.clock.advance(29_999);

    expect(await redeem(desk, pc)).toMatchObject({
      kind: 'repeat',
      redeemed: { sessionId, app: '1', chain: '1' },
    });
    desk.clock.advance(1);
    expect(await redeem(desk, pc)).toEqual({
      kind: 'refused',
      refusal: { code: 'invalid_grant', why: 'redeemed' },
    });
  });
});

describe('the binding of a redemption (F1, M1)', () => {
  it('refuses another secret, verifier, key, cookie or client, and the owner still gets in', async () => {
    const { pc } = await approvedPc(desk);
    const before = await desk.store.get(qrTransactions, pc.id);
    const other = await openPc(desk);
    const proof = (fields: object) =>
      ({ kind: 'secret', secret: pc.secret, binding: pkce, ...fields }) as GranteeProof;
    const attempts: [Partial<RedemptionRequest>, string][] = [
      [{ proof: proof({ secret: `${pc.id}.${randomToken(24)}` }) }, 'unknown'],
      [{ proof: proof({ secret: pc.id }) }, 'unknown'],
      [{ proof: proof({ secret: '' }) }, 'unknown'],
      [{ proof: proof({ secret: other.secret.replace(other.id, pc.id) }) }, 'unknown'],
      [{ proof: proof({ binding: { kind: 'pkce', verifier: `${VERIFIER}x` } }) }, 'binding'],
      [{ proof: proof({ binding: { kind: 'pkce', verifier: '' } }) }, 'binding'],
      [{ proof: proof({ binding: { kind: 'dpop', jkt: 'thumbprint' } }) }, 'binding'],
      [{ proof: proof({ binding: { kind: 'cookie', cookie: COOKIE } }) }, 'binding'],
      [{ proof: { kind: 'cookie', id: pc.id, cookie: COOKIE } }, 'binding'],
      [{ clientId: 'another-client' }, 'client'],
    ];

    for (const [fields, why] of attempts) {
      expect(await redeem(desk, pc, fields)).toEqual({
        kind: 'refused',
        refusal: { code: 'invalid_grant', why },
      });
    }
    expect(await desk.store.get(qrTransactions, pc.id)).toEqual(before);
    expect(await redeem(desk, pc)).toHaveProperty('won');
  });

  it('binds to a key', async () => {
    const binding = { kind: 'dpop', jkt: 'thumbprint-of-the-key' } as const;
    const { pc } = await approvedPc(desk, { opener: { role: 'grantee', binding } });
    const proof = (jkt: string): GranteeProof => ({
      kind: 'secret',
      secret: pc.secret,
      binding: { kind: 'dpop', jkt },
    });

    expect(await redeem(desk, pc, { proof: proof('another') })).toMatchObject({
      refusal: { why: 'binding' },
    });
    expect(await redeem(desk, pc, { proof: proof(binding.jkt) })).toHaveProperty('won');
  });

  it('binds to a browser by its cookie, of which the record has only a hash', async () => {
    const { pc } = await approvedPc(desk, {
      opener: { role: 'grantee', binding: { kind: 'cookie', cookie: COOKIE } },
    });
    const proof = (cookie: string): GranteeProof => ({ kind: 'cookie', id: pc.id, cookie });

    expect(pc.secret).toBe('');
    expect(JSON.stringify(await desk.store.get(qrTransactions, pc.id))).not.toContain(COOKIE);
    expect(await redeem(desk, pc, { proof: proof('of another browser') })).toMatchObject({
      refusal: { why: 'binding' },
    });
    expect(await redeem(desk, pc, { proof: proof(COOKIE) })).toHaveProperty('won');
    expect(await redeem(desk, pc, { proof: proof(COOKIE) })).toMatchObject({ kind: 'repeat' });
  });
});

describe('the confirmation of a redemption (M21)', () => {
  const stranger = { knowsAccount: () => false };

  it('is asked of who has not known the account, and given with the state after the approval', async () => {
    const { pc, grantor } = await approvedPc(desk);
    const needed = { kind: 'refused', refusal: { code: 'confirmation_required' } };
    expect(await redeem(desk, pc, stranger)).toEqual(needed);
    expect(await redeem(desk, pc, { ...stranger, confirm: 'guessed' })).toEqual(needed);

    const snapshot = await viewTransaction(desk, { id: pc.id, access: pc.access, labelOf });
    const account = snapshot.kind === 'snapshot' ? snapshot.account : undefined;

    expect(account?.label).toBe(`label of ${grantor.accountId}`);
    expect(await redeem(desk, pc, { ...stranger, confirm: account?.confirm ?? '' })).toHaveProperty('won');
  });

  it('does not take the confirmation of another transaction', async () => {
    const { pc } = await approvedPc(desk);
    const { pc: other } = await approvedPc(desk);
    const seen = await viewTransaction(desk, { id: other.id, access: other.access, labelOf });
    const confirm = seen.kind === 'snapshot' ? seen.account?.confirm : undefined;

    expect(confirm).toMatch(/^[\w-]{22}$/);
    expect(await redeem(desk, pc, { ...stranger, confirm: confirm ?? '' })).toMatchObject({
      refusal: { code: 'confirmation_required' },
    });
  });

  it('names the account to who decides whether it is known', async () => {
    const { pc, grantor } = await approvedPc(desk);
    const asked: string[] = [];

    await redeem(desk, pc, { knowsAccount: async (accountId) => asked.push(accountId) > 0 });

    expect(asked).toEqual([grantor.accountId]);
  });
});

describe('parallel redemptions (I2)', () => {
  it('have one winner among 20, and every other hears of the same session', async () => {
    const { pc } = await approvedPc(desk);

    const outcomes = await Promise.all(Array.from({ length: 20 }, () => redeem(desk, pc)));

    const winners = outcomes.flatMap((outcome) => ('won' in outcome ? [outcome.won] : []));
    const told = outcomes.flatMap((outcome) =>
      !('won' in outcome) && outcome.kind === 'repeat' ? [outcome.redeemed.sessionId] : [],
    );
    expect(winners).toHaveLength(1);
    expect(told).toEqual(Array.from({ length: 19 }, () => winners[0]));
    expect((await desk.store.get(qrTransactions, pc.id))?.redeemed?.sessionId).toBe(winners[0]);
  });

  it('are won by the owner also while others try with a stolen secret', async () => {
    const { pc } = await approvedPc(desk);
    const stolen: Partial<RedemptionRequest> = {
      proof: { kind: 'secret', secret: pc.secret, binding: { kind: 'pkce', verifier: 'x'.repeat(43) } },
    };

    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) => redeem(desk, pc, index === 10 ? {} : stolen)),
    );

    expect(outcomes.filter((outcome) => 'won' in outcome)).toHaveLength(1);
    expect(outcomes[10]).toHaveProperty('won');
  });

  it('end in one state together with an undo', async () => {
    const { pc, grantor, handshake } = await approvedPc(desk);

    const [redemption, denial] = await Promise.all([
      redeem(desk, pc),
      denyTransaction(desk, { claim: { kind: 'handshake', handshake }, grantor, reason: 'not_me' }),
    ]);

    expect('won' in redemption).toBe(denial.kind === 'refused');
    expect((await look(desk, pc)).state).toBe('won' in redemption ? 'redeemed' : 'denied');
  });
});

describe('grantedAuthentication', () => {
  it('is the grantor’s, with qr among the methods once', () => {
    const { auth } = newGrantor({ auth: { time: 5, acr: 'low', amr: ['pwd', 'qr'] } });

    expect(grantedAuthentication({ auth })).toEqual({ time: 5, acr: 'low', amr: ['pwd', 'qr'] });
  });
});
