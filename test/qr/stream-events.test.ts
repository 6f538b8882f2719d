import { describe, expect, it } from 'vitest';
import type { QrTransactionId } from '../../src/core/ids.ts';
import { isFinal, snapshotTag, streamEvents, trueForMs } from '../../src/qr/stream-events.ts';
import type { QrState } from '../../src/qr/transaction.ts';
import type { QrSnapshot } from '../../src/qr/viewing.ts';

function snapshot(state: QrState, fields: Partial<QrSnapshot> = {}): QrSnapshot {
  return {
    kind: 'snapshot',
    id: 'abcdefghijklmnop' as QrTransactionId,
    direction: 'map',
    role: 'grantee',
    state,
    version: 2,
    confirm: 'number',
    deadlineInMs: 30_000,
    ...fields,
  };
}

function showing(generation: number): QrSnapshot {
  const uri = `https://id.example/q/m/abcdefghijklmnop#code${generation}`;
  return snapshot('pending', {
    version: 1,
    qr: { uri, generation, rotateInMs: 40_000, expiresInMs: 100_000 },
  });
}

describe('streamEvents', () => {
  it('begins with the code on the screen and its remaining times', () => {
    expect(streamEvents(showing(0))).toEqual([
      {
        id: '1',
        event: 'code',
        data: {
          qr_uri: 'https://id.example/q/m/abcdefghijklmnop#code0',
          generation: 0,
          rotate_in_ms: 40_000,
          expires_in_ms: 100_000,
          deadline_in_ms: 30_000,
        },
      },
    ]);
  });

  it('says nothing while nothing changes, and sends the next code when it rotates', () => {
    expect(streamEvents(showing(0), showing(0))).toEqual([]);
    expect(streamEvents(showing(1), showing(0))).toMatchObject([{ event: 'code', data: { generation: 1 } }]);
  });

  it.each<[QrState, string, object]>([
    ['scanned', 'scanned', { expires_in_ms: 30_000, match_number: '07' }],
    ['approved', 'approved', { expires_in_ms: 30_000 }],
    ['redeemed', 'approved', {}],
    ['denied', 'denied', {}],
    ['cancelled', 'cancelled', {}],
    ['expired', 'expired', { can_refresh: true }],
  ])('tells a screen that comes or comes back in %s', (state, event, data) => {
    const now = snapshot(state, state === 'scanned' ? { matchNumber: '07' } : {});
    const told = [{ id: '2', event, data }];

    expect(streamEvents(now)).toEqual(told);
    expect(streamEvents(now, showing(0))).toEqual(told);
    expect(streamEvents(now, now)).toEqual([]);
  });

  it('does not say approved twice when the redemption follows', () => {
    expect(streamEvents(snapshot('redeemed', { version: 4 }), snapshot('approved', { version: 3 }))).toEqual(
      [],
    );
  });

  it('does not repeat itself when a wrong number was counted', () => {
    expect(streamEvents(snapshot('scanned', { version: 3 }), snapshot('scanned'))).toEqual([]);
  });

  it('names neither the account nor what could be redeemed', () => {
    const approved = snapshot('approved', { account: { label: 'Ada', confirm: 'secret-confirmation' } });

    expect(JSON.stringify(streamEvents(approved))).not.toMatch(/Ada|confirmation/);
  });
});

describe('isFinal', () => {
  it.each<[QrState, boolean]>([
    ['pending', false],
    ['scanned', false],
    ['approved', false],
    ['redeemed', true],
    ['denied', true],
    ['cancelled', true],
    ['expired', true],
  ])('%s: %s', (state, final) => {
    expect(isFinal(snapshot(state))).toBe(final);
  });
});

describe('trueForMs', () => {
  it('ends with the rotation, or with the state where that is sooner', () => {
    expect(trueForMs(snapshot('scanned'))).toBe(30_000);
    expect(trueForMs({ ...showing(0), deadlineInMs: 90_000 })).toBe(40_000);
  });
});

describe('snapshotTag', () => {
  it('changes with the version and with the code', () => {
    const tags = [showing(0), showing(1), snapshot('scanned'), snapshot('scanned', { version: 3 })].map(
      snapshotTag,
    );

    expect(tags).toEqual(['1.0', '1.1', '2', '3']);
  });
});
