// QR sign-in of an app on a screen by a phone, over HTTP (front door B).
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clientRecords } from '../../src/clients/client.ts';
import { patch } from '../../src/storage/store.ts';
import type { Phone } from '../support/qr-parties.ts';
import {
  approvedPc,
  callApi,
  openPc,
  pcApp,
  phoneApp,
  redeem,
  scannedPc,
  signedInPhone,
} from '../support/qr-parties.ts';
import { eventsOf } from '../support/server-events.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

let strata: TestServer;
let phoneId: string;
let pcId: string;
let ada: { id: string; email: string; password: string };
let phone: Phone;

beforeAll(async () => {
  strata = await startTestServer();
  phoneId = (await strata.addClient(phoneApp)).id;
  pcId = (await strata.addClient(pcApp)).id;
  ada = await strata.addAccount();
});

afterAll(() => strata.close());

// A sign-in of its own for each test, so that it is fresh whatever the clock did before.
beforeEach(async () => {
  phone = await signedInPhone(strata, phoneId, ada);
});

describe('QR sign-in of an app', () => {
  it('goes from a code on the screen to tokens of a session of its own', async () => {
    const pc = await openPc(strata, pcId);
    expect(pc.opened).toMatchObject({
      transaction_id: expect.stringMatching(/^[\w-]{16}$/),
      map_token: expect.any(String),
      qr_uri: expect.stringContaining(`${strata.origin}/q/m/${pc.opened.transaction_id}#`),
      qr_svg: expect.stringMatching(/^<svg/),
      expires_in: 600,
      interval: 5,
      rotate_in_ms: 60_000,
      expires_in_ms: 120_000,
      deadline_in_ms: 600_000,
      events_uri: `${strata.origin}/api/qr/transactions/${pc.opened.transaction_id}/events`,
      poll_uri: `${strata.origin}/api/qr/transactions/${pc.opened.transaction_id}`,
    });
    expect(pc.opened.qr_uri).not.toContain(pc.opened.map_token);

    strata.clock.advance(3 * SECOND);
    const scan = await phone.scan(pc.opened.qr_uri);
    expect(scan).toMatchObject({ status: 200 });
    expect(scan.headers.get('cache-control')).toBe('no-store');
    expect(scan.body).toEqual({
      transaction_id: pc.opened.transaction_id,
      handshake: expect.any(String),
      request: {
        client: { id: pcId, name: 'Desk app' },
        scopes: ['openid', 'profile', 'offline_access'],
        requester: { browser: 'Firefox', os: 'Windows 10', network_match: true },
        created_ago_ms: 3 * SECOND,
      },
      confirm: 'number',
      expires_in_ms: 60_000,
    });

    const scanned = (await pc.look()).body;
    expect(scanned).toEqual({
      transaction_id: pc.opened.transaction_id,
      state: 'scanned',
      match_number: expect.stringMatching(/^\d\d$/),
      deadline_in_ms: 60_000,
      expires_in_ms: 60_000,
    });
    expect((await phone.approve(scan.body.handshake, scanned.match_number)).status).toBe(204);

    const approved = (await pc.look()).body;
    expect(approved).toMatchObject({
      state: 'approved',
      account: { label: ada.email, confirm: expect.any(String) },
    });
    const tokens = await pc.redeem({ confirm: approved.account.confirm });
    expect(tokens).toMatchObject({ status: 200 });
    expect(tokens.body).toMatchObject({ refresh_token: expect.any(String), id_token: expect.any(String) });

    expect(claimsOf(tokens.body.id_token)).toMatchObject({
      sub: ada.id,
      amr: ['pwd', 'qr'],
      sid: expect.stringMatching(/^ses_/),
    });
  });

  it('tells nothing of the grantor before the approval', async () => {
    const { pc } = await scannedPc(strata, phone, pcId);

    const text = JSON.stringify((await pc.look()).body);

    expect(text).not.toContain(ada.email);
    expect(text).not.toContain(ada.id);
  });

  it('wants the answer to "continue as …?" before it gives tokens', async () => {
    const { pc, confirm } = await approvedPc(strata, phone, pcId);

    expect(await pc.redeem()).toMatchObject({ status: 400, body: { error: 'confirmation_required' } });
    expect(await pc.redeem({ confirm: `${confirm}x` })).toMatchObject({ status: 400 });
    expect(await pc.redeem({ confirm })).toMatchObject({ status: 200 });
  });

  it('gives 20 parallel redemptions one session and one refresh token', async () => {
    const { pc, confirm } = await approvedPc(strata, phone, pcId);

    const answers = await Promise.all(Array.from({ length: 20 }, () => pc.redeem({ confirm })));

    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
    expect(new Set(answers.map(({ body }) => claimsOf(body.id_token).sid)).size).toBe(1);

    const refreshed = await callApi(`${strata.origin}/token`, {
      form: { grant_type: 'refresh_token', client_id: pcId, refresh_token: answers[0]?.body.refresh_token },
    });
    expect(refreshed).toMatchObject({ status: 200 });
  });

  it('repeats a lost answer for 30 s while no token of it was shown, and never after', async () => {
    const { pc, confirm } = await approvedPc(strata, phone, pcId);
    const first = await pc.redeem({ confirm });

    strata.clock.advance(29 * SECOND);
    const again = await pc.redeem({ confirm });
    expect(again.body.refresh_token).toBe(first.body.refresh_token);

    strata.clock.advance(2 * SECOND);
    expect(await pc.redeem({ confirm })).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  it('gives nothing to an app that no longer counts as one of the house', async () => {
    const { id } = await strata.addClient(pcApp);
    const { pc, confirm } = await approvedPc(strata, phone, id);
    const change = [['metadata', 'first_party'], false] as const;
    await strata.server.store.commit([patch(clientRecords, id, { set: [change] })]);
    strata.clock.advance(SECOND);

    expect(await pc.redeem({ confirm })).toMatchObject({
      status: 400,
      body: { error: 'unauthorized_client' },
    });
  });

  it('paces who polls the token endpoint too fast', async () => {
    const pc = await openPc(strata, pcId);

    expect((await pc.redeem()).body.error).toBe('authorization_pending');
    expect((await pc.redeem()).body.error).toBe('slow_down');
  });
});

describe('what the phone decides', () => {
  it('three wrong numbers deny the request', async () => {
    const { pc, handshake, number } = await scannedPc(strata, phone, pcId);
    const wrong = number === '11' ? '12' : '11';

    for (const left of [2, 1, 0]) {
      const answer = await phone.approve(handshake, wrong);
      expect(answer).toMatchObject({ status: 400, body: { code: 'wrong_number', attempts_left: left } });
    }
    expect(await phone.approve(handshake, number)).toMatchObject({
      status: 409,
      body: { code: 'state_conflict', state: 'denied' },
    });
    expect((await pc.look()).body.state).toBe('denied');
    expect((await pc.redeem()).body.error).toBe('access_denied');
  });

  it('an approval without a number is a wrong number', async () => {
    const { handshake } = await scannedPc(strata, phone, pcId);

    expect((await phone.approve(handshake)).body.code).toBe('wrong_number');
  });

  it('a denial ends it, also after the approval', async () => {
    const { pc, handshake, confirm } = await approvedPc(strata, phone, pcId);

    expect((await phone.deny(handshake, 'mistake')).status).toBe(204);
    expect((await pc.look()).body.state).toBe('denied');
    expect((await pc.redeem({ confirm })).body.error).toBe('access_denied');
  });

  it('a denial is heard however long ago the sign-in was', async () => {
    const { handshake } = await scannedPc(strata, phone, pcId);
    strata.clock.advance(59 * SECOND);
    const late = await scannedPc(strata, await signedInPhone(strata, phoneId, ada), pcId);

    expect((await phone.deny(handshake)).status).toBe(204);
    expect((await phone.deny(late.handshake)).body.code).toBe('unknown_handshake');
  });

  it('a scan that nobody confirms lapses', async () => {
    const { pc, handshake, number } = await scannedPc(strata, phone, pcId);
    strata.clock.advance(MINUTE);

    expect(await phone.approve(handshake, number)).toMatchObject({
      status: 410,
      body: { code: 'expired_token' },
    });
    expect((await pc.look()).body).toMatchObject({ state: 'expired', can_refresh: true });
    expect((await pc.redeem()).body.error).toBe('expired_token');
  });

  it('a clients own mode wins over the configuration: tap asks no number', async () => {
    const { id } = await strata.addClient({ ...pcApp, qr_confirm: 'tap' });
    const pc = await openPc(strata, id);
    const { body } = await phone.scan(pc.opened.qr_uri);

    expect(body.confirm).toBe('tap');
    expect((await pc.look()).body).not.toHaveProperty('match_number');
    expect((await phone.approve(body.handshake)).status).toBe(204);
  });
});

describe('who may scan and approve', () => {
  it('the first scan wins; a second scanner is warned and gets nowhere', async () => {
    const eve = await strata.addAccount();
    const other = await signedInPhone(strata, phoneId, eve);
    const { pc, handshake, number } = await scannedPc(strata, phone, pcId);

    expect(await other.scan(pc.opened.qr_uri)).toMatchObject({ status: 409, body: { code: 'already_used' } });
    expect(await other.approve(handshake, number)).toMatchObject({
      status: 404,
      body: { code: 'unknown_handshake' },
    });
    expect((await phone.approve(handshake, number)).status).toBe(204);
  });

  it('of ten phones at the same moment one wins', async () => {
    const phones = await Promise.all(
      Array.from({ length: 10 }, async () => signedInPhone(strata, phoneId, await strata.addAccount())),
    );
    const pc = await openPc(strata, pcId);

    const scans = await Promise.all(phones.map((each) => each.scan(pc.opened.qr_uri)));

    expect(scans.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(scans.filter(({ body }) => body.code === 'already_used')).toHaveLength(9);
  });

  it('a sign-in of more than five minutes ago must be renewed first (RFC 9470)', async () => {
    strata.clock.advance(5 * MINUTE);
    const pc = await openPc(strata, pcId);
    expect((await phone.scan(pc.opened.qr_uri)).status).toBe(200);

    strata.clock.advance(SECOND);
    for (const answer of [await phone.scan(pc.opened.qr_uri), await phone.approve('x.y')]) {
      expect(answer).toMatchObject({
        status: 401,
        body: { code: 'insufficient_user_authentication', max_age: 300 },
      });
      expect(answer.headers.get('www-authenticate')).toBe(
        'Bearer error="insufficient_user_authentication", max_age="300"',
      );
    }
  });

  it('a session that has ended opens nothing', async () => {
    const ending = await signedInPhone(strata, phoneId, ada, 'openid qr:approve sessions:end sessions:read');
    const authorization = `Bearer ${ending.accessToken}`;
    const { body } = await callApi(`${strata.origin}/api/sessions`, { headers: { authorization } });
    const own = body.sessions.find(({ current }: { current: boolean }) => current);
    await callApi(`${strata.origin}/api/sessions/${own.session_id}`, {
      method: 'DELETE',
      headers: { authorization },
    });
    const pc = await openPc(strata, pcId);

    expect(await ending.scan(pc.opened.qr_uri)).toMatchObject({
      status: 401,
      body: { code: 'invalid_token' },
    });
  });

  it('only an app that the operator has marked', async () => {
    const unmarked = await strata.addClient({ ...phoneApp, qr_approve: false });

    const other = await signedInPhone(strata, unmarked.id, ada, 'openid sessions:read qr:approve');

    expect(await other.scan('https://id.example/q/m/x#y')).toMatchObject({
      status: 403,
      body: { code: 'insufficient_scope' },
    });
  });

  it.each([
    ['has taken the mark from', [['metadata', 'qr_approve'], false], 403, 'unauthorized_client'],
    ['no longer counts as its own', [['metadata', 'first_party'], false], 403, 'unauthorized_client'],
    ['has disabled', [['disabled'], true], 401, 'invalid_token'],
  ] as const)(
    'not an app that the operator %s, whatever its token says',
    async (_what, change, status, code) => {
      const { id } = await strata.addClient(phoneApp);
      const other = await signedInPhone(strata, id, ada);
      const pc = await openPc(strata, pcId);
      await strata.server.store.commit([patch(clientRecords, id, { set: [change] })]);
      strata.clock.advance(SECOND);

      expect(await other.scan(pc.opened.qr_uri)).toMatchObject({ status, body: { code } });
    },
  );

  it('nobody without a token', async () => {
    const answer = await callApi(`${strata.origin}/api/qr/scan`, { json: { id: 'x', code: 'y' } });

    expect(answer).toMatchObject({ status: 401, body: { code: 'sign_in_required' } });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  it('a phone that scans too much waits', async () => {
    const scans = [];
    for (let count = 0; count < 11; count += 1)
      scans.push(await phone.call('/api/qr/scan', { id: 'x', code: 'y' }));

    expect(scans.slice(0, 10).map(({ body }) => body.code)).toEqual(Array(10).fill('invalid_code'));
    expect(scans[10]).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(Number(scans[10]?.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

describe('a code', () => {
  it('changes every minute and is good for two', async () => {
    const pc = await openPc(strata, pcId);
    const codes = [pc.opened.qr_uri];
    for (let count = 0; count < 2; count += 1) {
      strata.clock.advance(MINUTE);
      codes.push((await pc.look()).body.qr_uri);
    }
    expect(new Set(codes).size).toBe(3);

    expect(await phone.scan(codes[0])).toMatchObject({ status: 410, body: { code: 'expired_token' } });
    expect((await phone.scan(codes[1])).status).toBe(200);
    expect((await phone.scan(codes[2])).status).toBe(200);
  });

  it('is put away with the request after ten minutes', async () => {
    const pc = await openPc(strata, pcId);
    strata.clock.advance(10 * MINUTE);

    expect((await pc.look()).body).toMatchObject({ state: 'expired', deadline_in_ms: 0 });
    phone = await signedInPhone(strata, phoneId, ada);
    expect((await phone.scan(pc.opened.qr_uri)).body.code).toBe('expired_token');
  });

  it('dies when the screen cancels', async () => {
    const pc = await openPc(strata, pcId);

    expect((await pc.cancel()).status).toBe(204);
    expect((await pc.look()).body.state).toBe('cancelled');
    expect((await pc.cancel()).body).toMatchObject({ code: 'state_conflict', state: 'cancelled' });
    expect((await phone.scan(pc.opened.qr_uri)).body.code).toBe('expired_token');
  });
});

describe('a poll secret', () => {
  it('that is forged, or of another transaction, finds nothing', async () => {
    const pc = await openPc(strata, pcId);
    const other = await openPc(strata, pcId);
    const forged = `${pc.opened.transaction_id}.${'A'.repeat(32)}`;

    for (const secret of [forged, other.opened.map_token]) {
      const answer = await callApi(pc.opened.poll_uri, { headers: { authorization: `Strata-QR ${secret}` } });
      expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
    expect((await callApi(pc.opened.poll_uri)).status).toBe(404);
  });

  it('redeems nothing without the verifier, and a thief who tries harms nobody', async () => {
    const { pc, confirm } = await approvedPc(strata, phone, pcId);
    const mapToken = pc.opened.map_token;
    const thief = { clientId: pcId, verifier: 'x'.repeat(43), mapToken };

    expect(await redeem(strata, thief, { confirm })).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    const forged = { clientId: pcId, verifier: pc.verifier, mapToken: mapToken.replace(/.{8}$/, 'AAAAAAAA') };
    expect((await redeem(strata, forged, { confirm })).body.error).toBe('invalid_grant');
    expect((await pc.redeem({ confirm })).status).toBe(200);
  });
});

describe('waiting', () => {
  it('a long poll answers when something happens', async () => {
    const pc = await openPc(strata, pcId);
    const first = await pc.look();
    const etag = first.headers.get('etag') ?? '';
    expect(await pc.look('', { 'if-none-match': etag })).toMatchObject({ status: 304 });

    const waiting = pc.look('?wait=25', { 'if-none-match': etag });
    await phone.scan(pc.opened.qr_uri);

    expect((await waiting).body).toMatchObject({ state: 'scanned' });
  });

  it('a stream tells what happens, and never a token', async () => {
    const pc = await openPc(strata, pcId);
    const response = await fetch(pc.opened.events_uri, {
      headers: { authorization: `Strata-QR ${pc.opened.map_token}` },
    });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    const stream = eventsOf(response);

    expect(await stream.next()).toMatchObject({
      event: 'code',
      id: '1',
      data: { qr_uri: pc.opened.qr_uri, qr_svg: pc.opened.qr_svg, generation: 0 },
    });
    const { handshake } = (await phone.scan(pc.opened.qr_uri)).body;
    const scanned = await stream.next();
    expect(scanned).toMatchObject({
      event: 'scanned',
      data: { match_number: expect.stringMatching(/^\d\d$/) },
    });
    await phone.approve(handshake, scanned?.data.match_number);
    expect(await stream.next()).toMatchObject({ event: 'approved' });
    await phone.deny(handshake);
    expect(await stream.next()).toEqual({ event: 'denied', id: '4', data: {} });
    expect(await stream.next()).toBeUndefined();
    expect(stream.text()).not.toContain(pc.opened.map_token);
    expect(stream.text()).not.toContain(ada.email);
  });

  it('writes nothing', async () => {
    const pc = await openPc(strata, pcId);
    strata.store.reset();

    for (let count = 0; count < 5; count += 1) {
      strata.clock.advance(70 * SECOND);
      await pc.look();
    }

    expect(strata.store.counts().commits).toBe(0);
  });
});

function claimsOf(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
}
