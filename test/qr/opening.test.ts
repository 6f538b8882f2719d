import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomKey } from '../../src/core/secrets.ts';
import { openTransaction } from '../../src/qr/opening.ts';
import { qrTransactions } from '../../src/qr/transaction.ts';
import { keyOf } from '../../src/qr/transaction-secrets.ts';
import { patch } from '../../src/storage/store.ts';
import type { Desk } from './qr-desk.ts';
import {
  approvedPc,
  COOKIE,
  closeDesk,
  look,
  mapRequest,
  newGrantor,
  openDesk,
  openPc,
  readScreen,
  scan,
  scannedPc,
  settings,
  watched,
} from './qr-desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk({ openMax: 3 });
});
afterEach(() => closeDesk(desk));

describe('openTransaction', () => {
  it('gives an id of 16 characters and a poll secret that begins with it', async () => {
    const opened = await openTransaction(desk, mapRequest());

    expect(opened).toEqual({
      kind: 'opened',
      id: expect.stringMatching(/^[\w-]{16}$/),
      pollSecret: expect.stringMatching(/^[\w-]{16}\.[\w-]{32}$/),
    });
  });

  it('gives no poll secret to a browser, whose cookie is its secret', async () => {
    const opener = { role: 'grantee', binding: { kind: 'cookie', cookie: COOKIE } } as const;

    expect(await openTransaction(desk, mapRequest({ opener }))).not.toHaveProperty('pollSecret');
  });

  it('refuses a direction that is not switched on', async () => {
    const mapOnly = { ...desk, settings: { ...settings, pam: false } };
    const opener = { role: 'grantor', grantor: newGrantor() } as const;

    expect(await openTransaction(mapOnly, mapRequest({ direction: 'pam', opener }))).toEqual({
      kind: 'refused',
      refusal: { code: 'direction_off' },
    });
  });

  it('refuses who opens in the role of the other side', async () => {
    const opener = { role: 'grantor', grantor: newGrantor() } as const;

    expect(await openTransaction(desk, mapRequest({ opener }))).toEqual({
      kind: 'refused',
      refusal: { code: 'wrong_direction' },
    });
  });

  it('keeps no more open than it may, and says when there is room again', async () => {
    const [first] = [await openPc(desk), await openPc(desk), await openPc(desk)];
    desk.clock.advance(100_000);

    expect(await openTransaction(desk, mapRequest())).toEqual({
      kind: 'refused',
      refusal: { code: 'too_many', retryAfterMs: 500_000 },
    });
    await scan(desk, first, newGrantor());
    expect(await openTransaction(desk, mapRequest())).toMatchObject({ kind: 'opened' });
    desk.clock.advance(500_000);
    expect(await openTransaction(desk, mapRequest())).toMatchObject({ kind: 'opened' });
  });

  it('does not count what a store that is away could not keep', async () => {
    const away = watched(desk.store, () => {
      throw new Error('away');
    });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await expect(openTransaction({ ...desk, store: away }, mapRequest())).rejects.toThrow('away');
    }

    expect(await openTransaction(desk, mapRequest())).toMatchObject({ kind: 'opened' });
  });

  it('asks the limiter with the address and the client, before anything is made', async () => {
    const subjects: object[] = [];
    const limited = {
      ...desk,
      limitOpening: async (subject: object) => {
        subjects.push(subject);
        return 7_000;
      },
    };

    expect(await openTransaction(limited, mapRequest())).toEqual({
      kind: 'refused',
      refusal: { code: 'rate_limited', retryAfterMs: 7_000 },
    });
    expect(subjects).toEqual([{ address: '192.0.2.1', clientId: 'web-app' }]);
    expect((await desk.store.scan(qrTransactions, { limit: 10 })).records).toEqual([]);
  });
});

describe('a copy of the database (I7)', () => {
  it('has no code, secret, handshake, number or confirmation in any state', async () => {
    const waiting = await openPc(desk);
    const scanned = await scannedPc(desk);
    const approved = await approvedPc(desk);
    const secrets = [
      await readScreen(desk, waiting),
      waiting.secret,
      scanned.pc.secret,
      scanned.handshake,
      approved.pc.secret,
      approved.handshake,
    ];

    const { records } = await desk.store.scan(qrTransactions, { limit: 10 });
    const dump = JSON.stringify(records);

    expect(records).toHaveLength(3);
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(20);
      expect(dump).not.toContain(secret);
      expect(dump).not.toContain(secret.split('.')[1] ?? secret);
    }
    expect(dump).not.toContain(`"${scanned.number}"`);
  });

  it('does not let a sealed key be used for another transaction', async () => {
    const one = await openPc(desk);
    const other = await openPc(desk);
    const record = await desk.store.get(qrTransactions, one.id);
    await desk.store.commit([patch(qrTransactions, other.id, { set: [[['sealedKey'], record?.sealedKey]] })]);

    await expect(look(desk, other)).rejects.toThrow();
  });
});

describe('keyOf', () => {
  it('reads the keyring again for a key that another process made', async () => {
    const key = { kid: 'qr.2', bytes: randomKey() };
    let read = false;
    const keys = {
      current: () => key,
      find: () => (read ? key : undefined),
      reload: async () => {
        read = true;
      },
    };

    expect(await keyOf(keys, { keyId: 'qr.2' })).toBe(key);
  });

  it('asks to come back where the key cannot be had', async () => {
    const keys = {
      current: () => ({ kid: 'x', bytes: randomKey() }),
      find: () => undefined,
      reload: async () => {},
    };

    await expect(keyOf(keys, { keyId: 'qr.9' })).rejects.toMatchObject({
      code: 'store_unavailable',
      retryAfterSeconds: 1,
    });
  });
});
