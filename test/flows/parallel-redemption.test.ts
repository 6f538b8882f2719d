// Twenty requests at once with the same secret: one winner, and the others change nothing (I2, I4, I9). On a
// store in memory and on one in a file, whose commits take their time.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceSessions } from '../../src/sessions/device-session.ts';
import {
  addApp,
  atOnce,
  claimsOf,
  type JsonAnswer,
  nativeApp,
  newBrowser,
  type TestApp,
  tvApp,
  webApp,
} from '../support/app.ts';
import { approveDevice, askForDeviceCode, pollForTokens } from '../support/device-flow.ts';
import { dpopKey } from '../support/dpop.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

type Person = Awaited<ReturnType<TestServer['addAccount']>>;

describe.each([{ file: false }, { file: true }])(
  'twenty requests at once, store in a file: $file',
  ({ file }) => {
    let strata: TestServer;
    let web: TestApp;
    let native: TestApp;
    let tv: TestApp;
    let person: Person;

    beforeAll(async () => {
      strata = await startTestServer({ file });
      [web, native, tv] = await Promise.all([
        addApp(strata, webApp),
        addApp(strata, nativeApp),
        addApp(strata, tvApp),
      ]);
      person = await strata.addAccount();
    });

    afterAll(() => strata.close());

    it('gives tokens once for an authorization code of a browser, and the winner refreshes (I2)', async () => {
      const code = await web.code(newBrowser(strata), person);

      const answers = await atOnce(() => web.redeem(code));

      const [winner] = expectOneWinner(answers);
      expect((await web.refresh(winner?.body.refresh_token)).status).toBe(200);
      expect((await web.userinfo(winner?.body.access_token)).status).toBe(200);
    });

    it('gives tokens once for an authorization code of a native app, and starts one session (I2)', async () => {
      const owner = await strata.addAccount();
      const code = await native.code(newBrowser(strata), owner);

      const answers = await atOnce(() => native.redeem(code));

      const [winner] = expectOneWinner(answers);
      expect((await native.refresh(winner?.body.refresh_token)).status).toBe(200);
      expect(await liveSessions(owner)).toHaveLength(1);
    });

    it('tells every poll of one device code the same refresh token, of one session (I2)', async () => {
      const owner = await strata.addAccount();
      const code = await askForDeviceCode(tv);
      await approveDevice(newBrowser(strata), code, owner);
      const before = await liveSessions(owner);

      const answers = await atOnce(() => pollForTokens(tv, code));

      const good = answers.filter(({ status }) => status === 200);
      expect(statusesOf(answers)).toEqual([200]);
      expect(new Set(good.map(({ body }) => body.refresh_token)).size).toBe(1);
      expect(new Set(good.map(({ body }) => claimsOf(body.id_token).sid)).size).toBe(1);
      expect(await liveSessions(owner)).toHaveLength(before.length + 1);
      expect((await tv.refresh(good[0]?.body.refresh_token)).status).toBe(200);
    });

    it('tells every refresh with one token the same newest token (I4)', async () => {
      const { refresh_token } = await web.signIn(newBrowser(strata), person);

      const answers = await atOnce(() => web.refresh(refresh_token));

      expect(statusesOf(answers)).toEqual([200]);
      const newest = new Set(answers.map(({ body }) => body.refresh_token));
      expect(newest.size).toBe(1);
      const [next = ''] = newest;
      expect((await web.refresh(next)).status).toBe(200);
    });

    it('accepts one DPoP proof once, and the chain goes on with the next proof (I2)', async () => {
      const key = await dpopKey(() => strata.clock.now());
      const proof = async () => ({ dpop: await key.proof('POST', `${strata.origin}/token`) });
      const first = await native.redeem(await native.code(newBrowser(strata), person), {}, await proof());
      expect(first.body.token_type).toBe('DPoP');
      const headers = await proof();

      const answers = await atOnce(() => native.refresh(first.body.refresh_token, {}, headers));

      const [winner] = expectOneWinner(answers);
      expect((await native.refresh(winner?.body.refresh_token, {}, await proof())).status).toBe(200);
    });

    it('opens one authorization from a pushed request, and the others learn that it was used (I2)', async () => {
      const browser = newBrowser(strata);
      await web.signIn(browser, person);
      const { address } = web.ask();
      const parameters = Object.fromEntries(new URL(address).searchParams);
      const pushed = await web.post('/par', parameters);
      expect(pushed.status).toBe(201);
      const short = `/authorize?client_id=${web.id}&request_uri=${encodeURIComponent(pushed.body.request_uri)}`;

      const answers = await atOnce(() => browser.get(short), 10);

      const codes = answers.filter(({ headers }) => /[?&]code=/.test(headers.get('location') ?? ''));
      expect(codes).toHaveLength(1);
      expect(answers.every(({ status }) => status < 500)).toBe(true);
    });

    async function liveSessions(owner: Person) {
      const page = await strata.store.list(deviceSessions, 'account', owner.id, { limit: 100 });
      return page.records.filter(({ state }) => state === 'live');
    }
  },
);

/** One 200, the others 400 with `invalid_grant`. */
function expectOneWinner(answers: JsonAnswer[]): JsonAnswer[] {
  const winners = answers.filter(({ status }) => status === 200);
  const losers = answers.filter(({ status }) => status !== 200);
  expect(winners).toHaveLength(1);
  expect(statusesOf(losers)).toEqual([400]);
  expect(new Set(losers.map(({ body }) => body.error))).toEqual(new Set(['invalid_grant']));
  return winners;
}

function statusesOf(answers: JsonAnswer[]): number[] {
  return [...new Set(answers.map(({ status }) => status))];
}
