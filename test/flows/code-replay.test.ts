// Codes that are shown again. An authorization code shown again is a theft and ends what it opened, but never
// for whoever merely found it; a device code shown again is a device whose answer was lost.
import { afterEach, describe, expect, it } from 'vitest';
import { addApp, newBrowser, type Tokens, webApp } from '../support/app.ts';
import { startWithApps } from '../support/apps-server.ts';
import { approveDevice, askForDeviceCode, pollForTokens } from '../support/device-flow.ts';
import { dpopKey } from '../support/dpop.ts';
import { expectEnded, sessionOf } from '../support/sessions.ts';
import type { TestSettings } from '../support/test-config.ts';
import type { TestServer } from '../support/test-server.ts';

const SECOND = 1000;

let strata: TestServer;

afterEach(() => strata.close());

async function start(config?: TestSettings) {
  const started = await startWithApps(config);
  strata = started.strata;
  return started;
}

describe('an authorization code that is shown again', () => {
  it('changes nothing within ten seconds of its use (I2)', async () => {
    const { web, person } = await start();
    const code = await web.code(newBrowser(strata), person);
    const tokens: Tokens = (await web.redeem(code)).body;
    strata.clock.advance(9 * SECOND);

    const replay = await web.redeem(code);

    expect(replay).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await web.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it('ends the app that it opened after ten seconds, with reuse', async () => {
    const { web, person } = await start();
    const other = await addApp(strata, { ...webApp, client_name: 'Mail' });
    const browser = newBrowser(strata);
    const kept = await other.signIn(browser, person);
    const code = await web.code(browser, undefined);
    const tokens: Tokens = (await web.redeem(code)).body;
    strata.clock.advance(10 * SECOND);

    const replay = await web.redeem(code);

    expect(replay).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    await expectEnded(web, tokens, 'reuse');
    expect((await other.refresh(kept.refresh_token)).status).toBe(200);
  });

  it('ends the session of a native app, which is its only one', async () => {
    const { native, person } = await start();
    const code = await native.code(newBrowser(strata), person);
    const tokens: Tokens = (await native.redeem(code)).body;
    strata.clock.advance(30 * SECOND);

    await native.redeem(code);

    expect((await sessionOf(strata, tokens)).ended?.reason).toBe('reuse');
  });

  it.each([
    ['another verifier', { code_verifier: 'x'.repeat(43) }],
    ['no verifier', { code_verifier: '' }],
    ['another redirect_uri', { redirect_uri: 'https://evil.example/' }],
  ])('ends nothing with %s: whoever leaked it cannot sign anybody out', async (_case, change) => {
    const { web, person } = await start();
    const code = await web.code(newBrowser(strata), person);
    const tokens: Tokens = (await web.redeem(code)).body;
    strata.clock.advance(30 * SECOND);

    expect((await web.redeem(code, change)).status).toBe(400);

    expect((await web.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it('ends nothing when another client shows it', async () => {
    const { web, person } = await start();
    const thief = await addApp(strata, { ...webApp, client_name: 'Thief' });
    const code = await web.code(newBrowser(strata), person);
    const tokens: Tokens = (await web.redeem(code)).body;
    strata.clock.advance(30 * SECOND);

    expect((await thief.redeem(code)).status).toBe(400);

    expect((await web.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it('ends nothing after it has expired', async () => {
    const { web, person } = await start();
    const code = await web.code(newBrowser(strata), person);
    const tokens: Tokens = (await web.redeem(code)).body;
    strata.clock.advance(61 * SECOND);

    expect((await web.redeem(code)).status).toBe(400);

    expect((await web.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it('is not used up by a request that is refused', async () => {
    const { web, person } = await start();
    const code = await web.code(newBrowser(strata), person);

    expect((await web.redeem(code, { resource: 'https://nobody.example' })).body.error).toBe(
      'invalid_target',
    );

    expect((await web.redeem(code)).status).toBe(200);
  });

  it('is worth nothing unused either after a minute', async () => {
    const { web, person } = await start();
    const code = await web.code(newBrowser(strata), person);
    strata.clock.advance(60 * SECOND);

    expect((await web.redeem(code)).body.error).toBe('invalid_grant');
  });
});

describe('a device code that is shown again', () => {
  it('repeats the answer for 30 s while nothing was refreshed, and never ends anything', async () => {
    const { tv, person } = await start();
    const code = await askForDeviceCode(tv);
    await approveDevice(newBrowser(strata), code, person);
    const tokens: Tokens = (await pollForTokens(tv, code)).body;

    strata.clock.advance(29 * SECOND);
    expect((await pollForTokens(tv, code)).body.refresh_token).toBe(tokens.refresh_token);
    strata.clock.advance(1 * SECOND);
    expect((await pollForTokens(tv, code)).body.error).toBe('invalid_grant');
    expect((await tv.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it('is not prolonged by its approval', async () => {
    const { tv, person } = await start();
    const code = await askForDeviceCode(tv);
    await approveDevice(newBrowser(strata), code, person);
    strata.clock.advance(600 * SECOND);

    expect((await pollForTokens(tv, code)).body.error).toBe('expired_token');
  });

  it('repeats nothing without the key that it was redeemed with', async () => {
    const { tv, person } = await start();
    const key = await dpopKey(() => strata.clock.now());
    const proof = async () => ({ dpop: await key.proof('POST', `${strata.origin}/token`) });
    const code = await askForDeviceCode(tv);
    await approveDevice(newBrowser(strata), code, person);
    const tokens: Tokens = (await pollForTokens(tv, code, await proof())).body;

    expect((await pollForTokens(tv, code)).body.error).toBe('invalid_grant');
    expect((await pollForTokens(tv, code, await proof())).body.refresh_token).toBe(tokens.refresh_token);
  });

  it('repeats nothing once the chain was used', async () => {
    const { tv, person } = await start();
    const code = await askForDeviceCode(tv);
    await approveDevice(newBrowser(strata), code, person);
    const tokens: Tokens = (await pollForTokens(tv, code)).body;
    await tv.refresh(tokens.refresh_token);

    expect((await pollForTokens(tv, code)).body.error).toBe('invalid_grant');
  });
});
