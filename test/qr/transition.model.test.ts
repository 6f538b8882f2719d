// The state machine against a model that is written from the rules, not from the code: random events in random
// order at random times, thousands of lives of a transaction.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { QrTransactionId } from '../../src/core/ids.ts';
import { newSessionId } from '../../src/core/ids.ts';
import { applied } from '../../src/qr/arrow.ts';
import type { ConfirmMode, QrState, QrTransaction } from '../../src/qr/transaction.ts';
import { stateAt, versionAt } from '../../src/qr/transaction.ts';
import type { QrEvent } from '../../src/qr/transition.ts';
import { nextState } from '../../src/qr/transition.ts';
import { newGrantor } from './qr-desk.ts';

const MINUTE = 60_000;
const grantor = newGrantor();
const finalStates: readonly QrState[] = ['redeemed', 'denied', 'cancelled', 'expired'];

interface Model {
  state: QrState;
  enteredAt: number;
  wrongNumbers: number;
}

interface Life {
  transaction: QrTransaction;
  now: number;
  states: QrState[];
  scans: number;
  approvals: number;
  redemptions: number;
}

function pending(confirm: ConfirmMode): QrTransaction {
  return {
    id: 'abcdefghijklmnop' as QrTransactionId,
    direction: 'map',
    state: 'pending',
    version: 1,
    createdAt: 0,
    deadlineAt: 10 * MINUTE,
    expiresAt: 15 * MINUTE,
    rotateMs: MINUTE,
    scanMs: MINUTE,
    approvalMs: MINUTE,
    keyId: 'qr.1',
    sealedKey: 'sealed',
    clientId: 'web-app',
    scope: 'openid',
    requester: {},
    confirm,
    binding: { kind: 'pkce', challenge: 'challenge' },
    wrongNumbers: 0,
  };
}

/** Where the rules lead: design of the states, in as few words as possible. */
function modelState(model: Model, now: number): QrState {
  const life = { pending: 10 * MINUTE, scanned: MINUTE, approved: MINUTE }[model.state as 'pending'];
  return life !== undefined && now >= model.enteredAt + life ? 'expired' : model.state;
}

function modelNext(model: Model, event: QrEvent, confirm: ConfirmMode, now: number): Model {
  const state = modelState(model, now);
  const enter = (next: QrState): Model => ({ ...model, state: next, enteredAt: now });
  switch (event.kind) {
    case 'scan': {
      const good = state === 'pending' && event.code === 'current' && event.direction === 'map';
      return good ? enter(confirm === 'none' ? 'approved' : 'scanned') : model;
    }
    case 'approve': {
      if (state !== 'scanned') return model;
      if (confirm === 'tap' || event.numberMatches) return enter('approved');
      const counted = { ...model, wrongNumbers: model.wrongNumbers + 1 };
      return counted.wrongNumbers < 3 ? counted : { ...enter('denied'), wrongNumbers: 3 };
    }
    case 'deny':
      return state === 'scanned' || state === 'approved' ? enter('denied') : model;
    case 'cancel':
      return ['pending', 'scanned', 'approved'].includes(state) ? enter('cancelled') : model;
    case 'redeem':
      return state === 'approved' ? enter('redeemed') : model;
  }
}

const event: fc.Arbitrary<QrEvent> = fc.oneof(
  fc.record({
    kind: fc.constant('scan' as const),
    direction: fc.constantFrom('map' as const, 'map' as const, 'pam' as const),
    code: fc.constantFrom(
      'current' as const,
      'current' as const,
      'lapsed' as const,
      'unknown' as const,
      'used' as const,
    ),
    codeHashes: fc.constant(['hash']),
    scanner: fc.constant({ grantor }),
  }),
  fc.record({
    kind: fc.constant('approve' as const),
    grantor: fc.constant(grantor),
    numberMatches: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('deny' as const), reason: fc.constant('mistake' as const) }),
  fc.record({ kind: fc.constant('cancel' as const), codeHashes: fc.constant(['hash']) }),
  fc
    .constant({ sessionId: newSessionId(), app: '1', chain: '1' })
    .map((led) => ({ kind: 'redeem' as const, redeemed: { ...led, at: 0 } })),
);
// Scans and approvals come often enough that lives get far; denials and cancels end some of them.
const step = fc.record({ event, wait: fc.oneof(fc.constant(0), fc.nat(20_000), fc.nat(11 * MINUTE)) });
const story = fc.record({
  confirm: fc.constantFrom<ConfirmMode>('number', 'number', 'tap', 'none'),
  steps: fc.array(step, { maxLength: 14 }),
});

function live(confirm: ConfirmMode, steps: readonly { event: QrEvent; wait: number }[]): Life {
  const life: Life = {
    transaction: pending(confirm),
    now: 0,
    states: ['pending'],
    scans: 0,
    approvals: 0,
    redemptions: 0,
  };
  for (const { event: one, wait } of steps) {
    life.now += wait;
    const decision = nextState(life.transaction, one, life.now);
    if (decision.change) life.transaction = applied(life.transaction, decision.change);
    life.states.push(stateAt(life.transaction, life.now));
    if (decision.kind !== 'moved') continue;
    if (one.kind === 'scan') life.scans += 1;
    if (stateAt(life.transaction, life.now) === 'approved') life.approvals += 1;
    if (one.kind === 'redeem') life.redemptions += 1;
  }
  return life;
}

const seeded = { seed: 20261103, numRuns: 3_000 };

describe('nextState against the model', () => {
  it('reaches the state that the rules name, after every event', () => {
    const reached = new Set<QrState>();
    fc.assert(
      fc.property(story, ({ confirm, steps }) => {
        let transaction = pending(confirm);
        let model: Model = { state: 'pending', enteredAt: 0, wrongNumbers: 0 };
        let now = 0;
        for (const { event: one, wait } of steps) {
          now += wait;
          const { change } = nextState(transaction, one, now);
          if (change) transaction = applied(transaction, change);
          model = modelNext(model, one, confirm, now);
          expect(stateAt(transaction, now)).toBe(modelState(model, now));
          expect(transaction.wrongNumbers).toBe(model.wrongNumbers);
          reached.add(stateAt(transaction, now));
        }
      }),
      seeded,
    );
    expect([...reached].sort()).toEqual(
      ['pending', 'scanned', 'approved', 'redeemed', 'denied', 'cancelled', 'expired'].sort(),
    );
  });

  it('never leaves a final state and never goes back', () => {
    const order: Record<QrState, number> = {
      pending: 0,
      scanned: 1,
      approved: 2,
      redeemed: 3,
      denied: 3,
      cancelled: 3,
      expired: 3,
    };
    fc.assert(
      fc.property(story, ({ confirm, steps }) => {
        const { states } = live(confirm, steps);
        for (const [index, state] of states.entries()) {
          const before = states[index - 1];
          if (before === undefined) continue;
          if (finalStates.includes(before)) expect(state).toBe(before);
          expect(order[state]).toBeGreaterThanOrEqual(order[before]);
        }
      }),
      seeded,
    );
  });

  it('is scanned, approved and redeemed at most once, and in that order (I2)', () => {
    let redeemed = 0;
    fc.assert(
      fc.property(story, ({ confirm, steps }) => {
        const life = live(confirm, steps);
        expect(life.scans).toBeLessThanOrEqual(1);
        expect(life.approvals).toBeLessThanOrEqual(life.scans);
        expect(life.redemptions).toBeLessThanOrEqual(life.approvals);
        redeemed += life.redemptions;
      }),
      seeded,
    );
    expect(redeemed).toBeGreaterThan(20);
  });

  it('takes the key of the codes away in the write that leaves pending (I6)', () => {
    fc.assert(
      fc.property(story, ({ confirm, steps }) => {
        const { transaction } = live(confirm, steps);
        expect(transaction.sealedKey === undefined).toBe(transaction.state !== 'pending');
        expect(transaction.state === 'pending' || transaction.codeHashes !== undefined).toBe(true);
      }),
      seeded,
    );
  });

  it('moves the version with every write and shows a lapse as one more', () => {
    fc.assert(
      fc.property(story, ({ confirm, steps }) => {
        const life = live(confirm, []);
        let seen = versionAt(life.transaction, 0);
        let state = stateAt(life.transaction, 0);
        let now = 0;
        for (const { event: one, wait } of steps) {
          now += wait;
          const { change } = nextState(life.transaction, one, now);
          if (change) life.transaction = applied(life.transaction, change);
          const version = versionAt(life.transaction, now);
          expect(version).toBeGreaterThanOrEqual(seen);
          if (stateAt(life.transaction, now) !== state) expect(version).toBeGreaterThan(seen);
          seen = version;
          state = stateAt(life.transaction, now);
        }
      }),
      seeded,
    );
  });
});
