// Ends that somebody brings about: a token revoked, everything of an account ended, an account locked; and
// who is told why.
import { afterEach, describe, expect, it } from 'vitest';
import { lockAccount } from '../../src/accounts/account-changes.ts';
import type { AccountId } from '../../src/core/ids.ts';
import { deviceSessions } from '../../src/sessions/device-session.ts';
import { addApp, newBrowser, postForm, type Tokens, webApp } from '../support/app.ts';
import { startWithApps } from '../support/apps-server.ts';
import { approveDevice, askForDeviceCode, pollForTokens } from '../support/device-flow.ts';
import { dpopKey } from '../support/dpop.ts';
import { end, endAll, expectEnded, liveSessionsOf, sessionOf, sidOf } from '../support/sessions.ts';
import { submitSignIn } from '../support/sign-in.ts';
import type { TestSettings } from '../support/test-config.ts';
import type { TestServer } from '../support/test-server.ts';

const SECOND = 1000;
const DAY = 86_400_000;

let strata: TestServer;

afterEach(() => strata.close());

async function start(config?: TestSettings) {
  const started = await startWithApps(config);
  strata = started.strata;
  return started;
}

describe('revoking a refresh token', () => {
  it('ends the session of a native app with signed_out (I1)', async () => {
    const { native, person } = await start();
    const tokens = await native.signIn(newBrowser(strata), person);

    expect((await native.revoke(tokens.refresh_token)).status).toBe(200);

    await expectEnded(native, tokens, 'signed_out');
    expect((await sessionOf(strata, tokens)).state).toBe('ended');
  });

  it('ends that app alone in a shared browser', async () => {
    const { web, person } = await start();
    const other = await addApp(strata, { ...webApp, client_name: 'Mail' });
    const browser = newBrowser(strata);
    const first = await web.signIn(browser, person);
    const second = await other.signIn(browser, undefined);

    await web.revoke(first.refresh_token);

    await expectEnded(web, first, 'signed_out');
    expect((await other.refresh(second.refresh_token)).status).toBe(200);
  });

  it('is nothing that another client can do', async () => {
    const { web, person } = await start();
    const other = await addApp(strata, { ...webApp, client_name: 'Mail' });
    const tokens = await web.signIn(newBrowser(strata), person);

    expect((await other.revoke(tokens.refresh_token)).status).toBe(200);

    expect((await web.refresh(tokens.refresh_token)).status).toBe(200);
  });
});

describe('the end of everything of an account', () => {
  it('ends every session and keeps the one that is named', async () => {
    const { web, native, person } = await start();
    const kept = await web.signIn(newBrowser(strata), person);
    const phone = await native.signIn(newBrowser(strata), person);
    strata.clock.advance(SECOND);

    await endAll(strata, person, 'password_changed', sidOf(kept));

    await expectEnded(native, phone, 'password_changed');
    expect((await web.refresh(kept.refresh_token)).status).toBe(200);
  });

  it('refuses a native sign-in that was half done (I8)', async () => {
    const { native, person } = await start();
    const code = await native.code(newBrowser(strata), person);
    strata.clock.advance(SECOND);
    await endAll(strata, person, 'banned');

    expect(await native.redeem(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(await liveSessionsOf(strata, person)).toEqual([]);
  });

  it('refuses a browser that had signed in and not yet redeemed its code', async () => {
    const { web, person } = await start();
    const code = await web.code(newBrowser(strata), person);
    strata.clock.advance(SECOND);
    await endAll(strata, person, 'banned');

    const answer = await web.redeem(code);

    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant', error_reason: 'banned' } });
  });

  it('refuses a device that was approved and had not asked yet', async () => {
    const { tv, person } = await start();
    const code = await askForDeviceCode(tv);
    await approveDevice(newBrowser(strata), code, person);
    strata.clock.advance(SECOND);
    await endAll(strata, person, 'banned');

    expect(await pollForTokens(tv, code)).toMatchObject({ status: 400, body: { error: 'access_denied' } });
    expect(await liveSessionsOf(strata, person)).toEqual([]);
  });

  it('lets a sign-in through that comes after it', async () => {
    const { native, person } = await start();
    await native.signIn(newBrowser(strata), person);
    strata.clock.advance(SECOND);
    await endAll(strata, person, 'kicked');
    strata.clock.advance(SECOND);

    expect((await native.signIn(newBrowser(strata), person)).refresh_token).toBeTruthy();
  });
});

describe('a locked account', () => {
  it('neither signs in, redeems, refreshes nor opens userinfo', async () => {
    const { web, native, person } = await start();
    const tokens = await web.signIn(newBrowser(strata), person);
    const code = await native.code(newBrowser(strata), person);
    await lockAccount(strata, person.id as AccountId, 'test');

    expect((await native.redeem(code)).body.error).toBe('invalid_grant');
    expect((await web.refresh(tokens.refresh_token)).body.error).toBe('invalid_grant');
    expect((await web.userinfo(tokens.access_token)).status).toBe(401);
    const browser = newBrowser(strata);
    const page = await submitSignIn(browser, await browser.open(web.ask().address), person);
    expect(page.status).toBe(401);
    expect(page.body).toContain('That did not match');
  });
});

describe('the tombstone of a session', () => {
  it('tells its reason for 90 days and is gone then', async () => {
    const { web, person } = await start();
    const tokens = await web.signIn(newBrowser(strata), person);
    await end(strata, sidOf(tokens), 'admin');

    strata.clock.advance(90 * DAY - SECOND);
    await strata.server.sweep();
    await expectEnded(web, tokens, 'admin');
    strata.clock.advance(SECOND);
    const answer = await web.refresh(tokens.refresh_token);
    expect(answer.body).toMatchObject({ error: 'invalid_grant' });
    expect(answer.body).not.toHaveProperty('error_reason');
    await strata.server.sweep();
    expect(await strata.store.get(deviceSessions, sidOf(tokens))).toBeUndefined();
  });

  it('tells nothing without the secret of the client (I10)', async () => {
    const { web, person } = await start();
    const { refresh_token, ...tokens } = await web.signIn(newBrowser(strata), person);
    await end(strata, sidOf(tokens), 'banned');
    const form = { grant_type: 'refresh_token', refresh_token, client_id: web.id };

    const wrong = await postForm(`${strata.origin}/token`, { ...form, client_secret: 'wrong wrong wrong' });

    expect(wrong).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(wrong.body).not.toHaveProperty('error_reason');
  });

  it('tells nothing to another client, and nothing for a forged token', async () => {
    const { web, person } = await start();
    const other = await addApp(strata, { ...webApp, client_name: 'Mail' });
    const tokens = await web.signIn(newBrowser(strata), person);
    await end(strata, sidOf(tokens), 'banned');
    const forged = `${tokens.refresh_token.slice(0, -4)}AAAA`;

    for (const answer of [await other.refresh(tokens.refresh_token), await web.refresh(forged)]) {
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      expect(answer.body).not.toHaveProperty('error_reason');
    }
  });

  it('tells nothing of a key-bound chain without the proof of its key', async () => {
    const { native, person } = await start();
    const key = await dpopKey(() => strata.clock.now());
    const proof = async () => ({ dpop: await key.proof('POST', `${strata.origin}/token`) });
    const code = await native.code(newBrowser(strata), person);
    const tokens: Tokens = (await native.redeem(code, {}, await proof())).body;
    await end(strata, sidOf(tokens), 'banned');

    expect((await native.refresh(tokens.refresh_token)).body).not.toHaveProperty('error_reason');
    const owner = await native.refresh(tokens.refresh_token, {}, await proof());
    expect(owner.body.error_reason).toBe('banned');
  });
});
