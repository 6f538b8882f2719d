// The restore drill: a server lives on after a backup, its database is brought back to that, and the next server
// starts on it. What was usable once must not be usable again, and no honest device may be taken for a thief.
// MongoDB has backups of its own; what is done after one is in test/storage/mongo/restore.test.ts.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceSessions } from '../../src/sessions/device-session.ts';
import { claimsOf } from '../support/app.ts';
import { approveDevice, pollForTokens, typeUserCode } from '../support/device-flow.ts';
import { type RestorePlace, restorePlace } from '../support/restore-place.ts';
import { callbackOf, submitSignIn } from '../support/sign-in.ts';
import { runsOnMongo } from '../support/test-store.ts';
import {
  api,
  browserAt,
  finishSignUp,
  type LaterLife,
  type Life,
  liveOnAfterBackup,
  liveUntilBackup,
  redeemScreen,
  shortAddress,
} from './restore-scenario.ts';

const SECOND = 1_000;

let place: RestorePlace;
let life: Life;
let later: LaterLife;
let said: string;

/** A drill from the first sign-in to the server that starts on the backup. */
async function drill(sessions: 'keep' | 'end'): Promise<void> {
  place = await restorePlace();
  const backup = join(place.dataDir, 'backup.db');
  await place.start();
  life = await liveUntilBackup(place);
  place.clock.advance(SECOND);
  await place.command('backup', backup);
  place.clock.advance(SECOND);
  later = await liveOnAfterBackup(place, life);
  place.clock.advance(SECOND);
  await place.stop();
  said = await place.command('restore', backup, '--sessions', sessions);
  // The commands go by the machine's clock, which does not stand still.
  place.clock.advance(5 * SECOND);
  await place.start();
}

function logged(words: string): number {
  return place.log.filter((line) => line.includes(words)).length;
}

const devices = ['web', 'phone', 'tv'] as const;

describe.skipIf(runsOnMongo())('a restore that keeps device sessions', () => {
  beforeAll(() => drill('keep'), 120_000);
  afterAll(() => place.remove());

  it('says what it voided, what it kept, and that ended sessions are live again', () => {
    expect(said).toMatch(/^Restored \S+strata\.db from \S+backup\.db\.$/m);
    expect(said).toMatch(/^Void: .*\d authorization_code, 4 device_code,/m);
    for (const type of ['interaction', 'pushed_request', 'qr_transaction', 'ticket', 'access_token']) {
      expect(said).toMatch(new RegExp(`^Void: .*\\d ${type}\\b`, 'm'));
    }
    expect(said).toMatch(/^Device sessions that were kept: \d+\.$/m);
    expect(said).toContain('Sessions that were ended since the backup are live again.');
  });

  it('leaves devices of before the backup signed in, generations ahead as they are, and alarms nobody (I4)', async () => {
    for (const name of devices) {
      const { refresh, chain } = life.devices[name];
      // A duplicate of what was on its way when the server stopped, for one of them before anything else.
      const stale = chain.at(-2) ?? '';
      if (name === 'tv') expect((await refresh(stale)).status).toBe(200);
      for (let round = 0; round < 4; round += 1) {
        expect(await refresh()).toMatchObject({ status: 200 });
        expect([200, 429]).toContain((await refresh(stale)).status);
        place.clock.advance(SECOND);
      }
    }
    expect(logged('a refresh token is newer than the store')).toBe(devices.length);
    expect(logged('a stolen refresh token was shown')).toBe(0);
    const { records } = await place.store.list(deviceSessions, 'account', life.person.id, { limit: 100 });
    expect(records.filter(({ ended }) => ended?.reason === 'reuse')).toEqual([]);
  });

  it('refuses every authorization code of before, used since or not (I2)', async () => {
    for (const code of life.codes) {
      expect(await life.apps.native.redeem(code)).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      });
    }
  });

  it('refuses every device code of before, and nobody can approve one that waited (I2)', async () => {
    const browser = browserAt(place);
    const { tv } = life.apps;
    const [used, kept, pending] = life.deviceCodes;
    const page = await typeUserCode(browser, pending.user_code);
    expect(page.body).not.toContain('name="confirm"');
    for (const code of [used, kept, pending]) {
      // RFC 8628 §3.5: what a device takes as the word to begin again.
      expect(await pollForTokens(tv, code)).toMatchObject({ status: 400, body: { error: 'expired_token' } });
    }
  });

  it('refuses every QR transaction of before, approved or still waiting (I2)', async () => {
    for (const screen of life.screens) {
      expect(await redeemScreen(screen)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    }
    expect((await life.waitingScreen.look()).status).toBe(404);
  });

  it('refuses every sign-up code of before (I2)', async () => {
    for (const { browser, action, fields } of life.signUps) {
      const answer = await browser.post(action, fields);
      expect(answer.status).toBeGreaterThanOrEqual(400);
    }
    await expect(life.apps.web.signIn(browserAt(place), later.newAccount)).rejects.toThrow('no redirect');
    await expect(finishSignUp(life.signUps[1])).rejects.toThrow();
  });

  it('refuses every pushed request of before (I2)', async () => {
    for (const pushed of life.pushed) {
      const answer = await browserAt(place).open(shortAddress(place, life.apps.web, pushed));
      expect(answer.status).toBe(400);
      expect(answer.body).toContain('invalid_request_uri');
    }
  });

  it('lets nobody go on with a sign-in page of before', async () => {
    const { browser, action, fields } = life.signInPage;
    const { email, password } = life.person;

    const answer = await browser.submit(action, { ...fields, identifier: email, password });

    expect(answer.status).toBe(400);
    expect(() => callbackOf(answer)).toThrow();
  });

  it('honours no access token of before: whether it was revoked since is not known (I1)', async () => {
    const { web, job } = life.apps;
    const { opaque, jwt, job: forJob } = life.accessTokens;
    expect((await web.userinfo(opaque)).status).toBe(401);
    for (const token of [opaque, jwt]) expect((await web.introspect(token)).body).toEqual({ active: false });
    expect((await job.introspect(forJob)).body).toEqual({ active: false });

    const fresh = await job.token({ grant_type: 'client_credentials', resource: api, scope: 'demo:read' });
    expect((await job.introspect(fresh.body.access_token)).body.active).toBe(true);
  });

  it('takes no DPoP proof of before, and hands out the nonce that a new one needs (I2)', async () => {
    const { native } = life.apps;
    const newest = life.devices.bound.chain.at(-1) ?? '';

    for (const used of [later.usedProof, later.usedNonceProof]) {
      expect(await native.refresh(newest, {}, used)).toMatchObject({
        status: 400,
        body: { error: 'use_dpop_nonce' },
      });
    }
    const replayed = await native.refresh(newest, {}, later.usedProof);
    const nonce = replayed.headers.get('dpop-nonce') ?? '';
    const withNonce = async () => ({
      dpop: await life.boundKey.proof('POST', `${place.origin}/token`, undefined, nonce),
    });
    const answer = await native.refresh(newest, {}, await withNonce());
    expect(answer.status).toBe(200);
    expect((await native.refresh(answer.body.refresh_token, {}, await withNonce())).status).toBe(200);
  });

  it('refuses devices that signed in since cleanly, and lets them sign in again', async () => {
    const { newcomer } = later;
    const answer = await newcomer.refresh();
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(answer.body).not.toHaveProperty('error_reason');

    const tokens = await newcomer.app.signIn(browserAt(place), life.person);
    expect((await newcomer.app.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it('brings back what was signed out since, as it says', async () => {
    expect((await life.endedLater.refresh()).status).toBe(200);
  });

  it('lets new codes be used as ever', async () => {
    const { web, tv } = life.apps;
    expect((await web.signIn(browserAt(place), life.person)).refresh_token).toBeDefined();
    const code = await tv.post('/device/authorize', { scope: 'openid' });
    await approveDevice(browserAt(place), code.body, life.person);
    expect((await pollForTokens(tv, code.body)).status).toBe(200);
  });

  it('wants no nonces any more once no proof of before can be good', async () => {
    place.clock.advance(601 * SECOND);
    const dpop = await life.boundKey.proof('POST', `${place.origin}/token`);
    const code = await life.apps.native.code(browserAt(place), life.person);

    expect((await life.apps.native.redeem(code, {}, { dpop })).status).toBe(200);
  });
});

describe.skipIf(runsOnMongo())('a restore that ends device sessions', () => {
  beforeAll(() => drill('end'), 120_000);
  afterAll(() => place.remove());

  it('signs every device out, and tells it that an administrator did (I1)', async () => {
    for (const name of devices) {
      expect(await life.devices[name].refresh()).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant', error_reason: 'admin' },
      });
    }
    expect((await life.endedLater.refresh()).body.error_reason).toBe('admin');
    expect(said).toMatch(/^Device sessions that were ended: \d+\.$/m);
    expect(said).not.toContain('are live again');
    expect(logged('a stolen refresh token was shown')).toBe(0);
  });

  it('leaves no session live, those of API apps included', async () => {
    const { records } = await place.store.scan(deviceSessions, { limit: 100 });
    expect(records.length).toBeGreaterThan(8);
    expect(records.filter(({ body }) => body.state !== 'ended')).toEqual([]);
  });

  it('gives an API app a session of its own again at its next request', async () => {
    const { job } = life.apps;
    const answer = await job.token({ grant_type: 'client_credentials', resource: api, scope: 'demo:read' });

    expect(claimsOf(answer.body.access_token).sid).not.toBe(claimsOf(life.accessTokens.job).sid);
    expect((await job.introspect(answer.body.access_token)).body.active).toBe(true);
    expect((await job.introspect(life.accessTokens.job)).body).toEqual({ active: false });
  });

  it('voids codes as well', async () => {
    for (const code of life.codes) expect((await life.apps.native.redeem(code)).status).toBe(400);
    for (const screen of life.screens) expect((await redeemScreen(screen)).status).toBe(400);
  });

  it('lets everybody sign in again', async () => {
    const browser = browserAt(place);
    const page = await browser.open(life.apps.web.ask().address);
    expect(callbackOf(await submitSignIn(browser, page, life.person)).searchParams.get('code')).toBeTruthy();
  });
});
