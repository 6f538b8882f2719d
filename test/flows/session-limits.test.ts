// What a session cannot outlive or outgrow: idleness, age, its successor on the same device, and the number
// of its apps and chains.
import { afterEach, describe, expect, it } from 'vitest';
import { SESSIONS_TOPIC } from '../../src/sessions/ending.ts';
import { addApp, claimsOf, codeOf, nativeApp, newBrowser, type Tokens, webApp } from '../support/app.ts';
import { startWithApps } from '../support/apps-server.ts';
import { approveDevice, askForDeviceCode, pollForTokens } from '../support/device-flow.ts';
import { saidWakeUps } from '../support/said-wake-ups.ts';
import { expectEnded, sessionOf, sessionsOf } from '../support/sessions.ts';
import type { TestSettings } from '../support/test-config.ts';
import type { TestServer } from '../support/test-server.ts';

const SECOND = 1000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;

let strata: TestServer;

afterEach(() => strata.close());

async function start(config?: TestSettings) {
  const started = await startWithApps(config);
  strata = started.strata;
  return started;
}

describe('the limits of a session', () => {
  it('end a browser after eight hours without activity, and a phone not', async () => {
    const { web, native, person } = await start();
    const browser = await web.signIn(newBrowser(strata), person);
    const phone = await native.signIn(newBrowser(strata), person);
    strata.clock.advance(8 * HOUR);

    await expectEnded(web, browser, 'idle');
    expect((await native.refresh(phone.refresh_token)).status).toBe(200);
  });

  it('end a browser after a day even if it was busy all the time', async () => {
    const { web, person } = await start();
    let tokens = await web.signIn(newBrowser(strata), person);
    for (let hours = 0; hours < 20; hours += 5) {
      strata.clock.advance(5 * HOUR);
      tokens = { ...tokens, ...(await web.refresh(tokens.refresh_token)).body };
    }
    strata.clock.advance(4 * HOUR);

    await expectEnded(web, tokens, 'expired');
  });

  it('end a phone after 90 idle days, and after a year at most', async () => {
    const { native, person } = await start();
    const forgotten = await native.signIn(newBrowser(strata), person);
    let used = await native.signIn(newBrowser(strata), person);
    for (let days = 0; days < 360; days += 60) {
      strata.clock.advance(60 * DAY);
      used = { ...used, ...(await native.refresh(used.refresh_token)).body };
    }
    expect((await native.refresh(forgotten.refresh_token)).body.error_reason).toBe('idle');
    expect(used.expires_in).toBeLessThanOrEqual(16 * 60);

    strata.clock.advance(5 * DAY);
    await expectEnded(native, used, 'expired');
  });

  it('move with visits to /authorize, which are activity too', async () => {
    const { web, person } = await start();
    const browser = newBrowser(strata);
    const tokens = await web.signIn(browser, person);
    for (let hours = 0; hours < 14; hours += 7) {
      strata.clock.advance(7 * HOUR);
      expect(codeOf(await browser.open(web.ask({ prompt: 'none' }).address))).toBeTruthy();
    }

    strata.clock.advance(7 * HOUR);
    expect((await web.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it('sign the browser out and say so on the sign-in page', async () => {
    const { web, person } = await start();
    const browser = newBrowser(strata);
    await web.signIn(browser, person);
    strata.clock.advance(9 * HOUR);

    const page = await browser.open(web.ask().address);

    expect(page.url).toMatch(/\/sign-in$/);
    expect(page.body).toContain('Signed out after a long pause');
  });

  it('are as an operator sets them for a platform', async () => {
    const { native, person } = await start({ platforms: { ios: { idle: '10m', absolute: '30m' } } });
    const tokens = await native.signIn(newBrowser(strata), person);

    strata.clock.advance(10 * MINUTE);
    await expectEnded(native, tokens, 'idle');
  });

  it('are written down by the sweeper, with the reason and for whoever must hear of it (I8)', async () => {
    const { web, person } = await start();
    const tokens = await web.signIn(newBrowser(strata), person);
    strata.clock.advance(8 * HOUR);
    expect((await sessionOf(strata, tokens)).state).toBe('live');

    await strata.server.sweep();

    expect(await sessionOf(strata, tokens)).toMatchObject({
      state: 'ended',
      ended: { reason: 'idle', by: 'system' },
      todo: ['notice'],
    });
    await expectEnded(web, tokens, 'idle');
  });

  it('leave a session alone that was refreshed before the sweeper came', async () => {
    const { web, person } = await start();
    const tokens = await web.signIn(newBrowser(strata), person);
    strata.clock.advance(7 * HOUR);
    await web.refresh(tokens.refresh_token);
    strata.clock.advance(HOUR);

    await strata.server.sweep();

    expect((await sessionOf(strata, tokens)).state).toBe('live');
  });
});

describe('an installation that signs in again', () => {
  it.each(['at /authorize', 'at /token'])('supersedes its session, named %s', async (where) => {
    const { native, person } = await start();
    const installation = { installation_id: 'phone-1' };
    const signIn = async () => {
      const code = await native.code(
        newBrowser(strata),
        person,
        where === 'at /authorize' ? installation : {},
      );
      return (await native.redeem(code, where === 'at /token' ? installation : {})).body as Tokens;
    };
    const first = await signIn();

    const second = await signIn();

    await expectEnded(native, first, 'replaced');
    expect((await native.refresh(second.refresh_token)).status).toBe(200);
    expect((await sessionOf(strata, second)).device.installationId).toBe('phone-1');
  });

  it('supersedes the session of a TV, named at /device/authorize', async () => {
    const { tv, person } = await start();
    const browser = newBrowser(strata);
    const signIn = async () => {
      const code = await askForDeviceCode(tv, { installation_id: 'tv-1' });
      await approveDevice(browser, code, person);
      return (await pollForTokens(tv, code)).body as Tokens;
    };
    const first = await signIn();

    await signIn();

    await expectEnded(tv, first, 'replaced');
  });

  it('is compared within one account and one client only', async () => {
    const { native, person } = await start();
    const neighbour = await strata.addAccount();
    const other = await addApp(strata, { ...nativeApp, client_name: 'Other' });
    const named = { installation_id: 'phone-1' };
    const mine = await native.signIn(newBrowser(strata), person, named);

    await native.signIn(newBrowser(strata), neighbour, named);
    await other.signIn(newBrowser(strata), person, named);

    expect((await native.refresh(mine.refresh_token)).status).toBe(200);
  });

  it('is refused a name of more than 128 characters', async () => {
    const { native, person } = await start();
    const code = await native.code(newBrowser(strata), person);

    const answer = await native.redeem(code, { installation_id: 'x'.repeat(129) });

    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect((await native.redeem(code, { installation_id: 'x'.repeat(128) })).status).toBe(200);
  });
});

describe('what a session holds', () => {
  it('is bounded: one app too many drops the least recently used, with policy (I12)', async () => {
    const { web, person } = await start({ sessions: { appsMax: 2 } });
    const second = await addApp(strata, { ...webApp, client_name: 'Second' });
    const third = await addApp(strata, { ...webApp, client_name: 'Third' });
    const browser = newBrowser(strata);
    const first = await web.signIn(browser, person);
    strata.clock.advance(MINUTE);
    const least = await second.signIn(browser, undefined);
    strata.clock.advance(MINUTE);
    const kept = { ...first, ...(await web.refresh(first.refresh_token)).body };
    const said = saidWakeUps(strata);

    await third.signIn(browser, undefined);

    expect(said).toEqual([[SESSIONS_TOPIC, claimsOf(least.id_token).sid]]);
    await expectEnded(second, least, 'policy');
    expect((await web.refresh(kept.refresh_token)).status).toBe(200);
    expect(await sessionsOf(strata, person)).toHaveLength(1);
  });

  it('is bounded: one chain too many drops the least recently used of its app (I12)', async () => {
    const { web, person } = await start({ sessions: { chainsMax: 2 } });
    const browser = newBrowser(strata);
    const tabs: Tokens[] = [];
    for (const who of [person, undefined, undefined]) {
      tabs.push(await web.signIn(browser, who));
      strata.clock.advance(SECOND);
    }

    const answers = await Promise.all(tabs.map(({ refresh_token }) => web.refresh(refresh_token)));

    expect(answers.map(({ status }) => status)).toEqual([400, 200, 200]);
    const [session] = await sessionsOf(strata, person);
    expect(Object.keys(session?.apps[1]?.chains ?? {})).toEqual(['2', '3']);
  });

  it('lets two tabs that sign in apart refresh apart', async () => {
    const { web, person } = await start();
    const browser = newBrowser(strata);
    const first = await web.signIn(browser, person);
    const second = await web.signIn(browser, undefined);

    for (const { refresh_token } of [first, second, first, second]) {
      expect((await web.refresh(refresh_token)).status).toBe(200);
    }
  });
});
