// The other direction on the same engine: a signed-in screen shows the QR, a phone scans it and is let in.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { approveTransaction } from '../../src/qr/approving.ts';
import { openTransaction } from '../../src/qr/opening.ts';
import { scanTransaction } from '../../src/qr/scanning.ts';
import type { Grantor } from '../../src/qr/transaction.ts';
import { viewTransaction } from '../../src/qr/viewing.ts';
import type { Desk } from './qr-desk.ts';
import { CHALLENGE, closeDesk, ISSUER, mapRequest, newGrantor, openDesk, redeem } from './qr-desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(() => closeDesk(desk));

async function screenShown(grantor: Grantor): Promise<{ id: string; code: string }> {
  const opened = await openTransaction(
    desk,
    mapRequest({ direction: 'pam', opener: { role: 'grantor', grantor } }),
  );
  if (opened.kind !== 'opened') throw new Error('not opened');
  expect(opened).not.toHaveProperty('pollSecret');

  const snapshot = await screenOf(opened.id, grantor);
  expect(snapshot.qr?.uri).toMatch(new RegExp(`^${ISSUER}/q/p/`));
  return { id: opened.id, code: snapshot.qr?.uri.split('#')[1] ?? '' };
}

async function screenOf(id: string, grantor: Grantor) {
  const snapshot = await viewTransaction(desk, {
    id,
    access: { kind: 'session', sessionId: grantor.sessionId },
  });
  if (snapshot.kind !== 'snapshot') throw new Error('not seen');
  return snapshot;
}

async function scanByPhone(qr: { id: string; code: string }) {
  const binding = { kind: 'pkce', challenge: CHALLENGE } as const;
  const scanned = await scanTransaction(desk, {
    ...qr,
    direction: 'pam',
    scanner: { role: 'grantee', binding },
  });
  if (scanned.kind !== 'scanned' || scanned.role !== 'grantee') throw new Error('not scanned');
  const secret = scanned.pollSecret ?? '';
  return { ...scanned, phone: { id: qr.id, secret, access: { kind: 'secret', secret } as const } };
}

describe('pam', () => {
  it('lets a phone in when the screen typed the number that the phone shows', async () => {
    const grantor = newGrantor();
    const qr = await screenShown(grantor);

    const { phone, matchNumber = '' } = await scanByPhone(qr);
    const waiting = await screenOf(qr.id, grantor);
    const approval = await approveTransaction(desk, {
      claim: { kind: 'id', id: qr.id },
      grantor,
      number: matchNumber,
    });

    expect(waiting).toMatchObject({ state: 'scanned', request: { clientId: 'web-app' } });
    expect(waiting).not.toHaveProperty('matchNumber');
    expect(approval).toEqual({ kind: 'approved' });
    expect(await redeem(desk, phone)).toHaveProperty('won');
  });

  it('gives the phone nothing for a screenshot that it scanned, before the screen approves (M11)', async () => {
    const grantor = newGrantor();
    const { phone } = await scanByPhone(await screenShown(grantor));

    expect(await redeem(desk, phone)).toMatchObject({ refusal: { code: 'authorization_pending' } });
  });

  it('takes an approval only from the session that shows the QR', async () => {
    const grantor = newGrantor();
    const qr = await screenShown(grantor);
    const { matchNumber = '' } = await scanByPhone(qr);
    const stranger = newGrantor({ accountId: grantor.accountId });

    const approval = await approveTransaction(desk, {
      claim: { kind: 'id', id: qr.id },
      grantor: stranger,
      number: matchNumber,
    });

    expect(approval).toEqual({ kind: 'refused', refusal: { code: 'unknown_handshake' } });
  });

  it('is claimed by the first phone only', async () => {
    const qr = await screenShown(newGrantor());
    await scanByPhone(qr);
    const binding = { kind: 'pkce', challenge: CHALLENGE } as const;

    const second = await scanTransaction(desk, {
      ...qr,
      direction: 'pam',
      scanner: { role: 'grantee', binding },
    });

    expect(second).toEqual({ kind: 'refused', refusal: { code: 'already_used' } });
  });
});
