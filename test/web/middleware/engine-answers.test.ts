import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addApp, tvApp } from '../../support/app.ts';
import { askForDeviceCode, typeUserCode } from '../../support/device-flow.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';
import { formOf, type UserAgent, userAgent } from '../../support/user-agent.ts';

let strata: TestServer;

beforeEach(async () => {
  strata = await startTestServer({ config: { trustedProxies: ['127.0.0.1'] } });
});
afterEach(() => strata.close());

async function guess(
  browser: UserAgent,
  path: string,
  userCode: string,
  headers: Record<string, string> = {},
): Promise<number> {
  const { fields } = formOf(await browser.get('/device'));
  const answer = await browser.post(path, { ...fields, user_code: userCode }, headers);
  return answer.status;
}

describe('userCodeGuesses', () => {
  test.each(['/device', '/device/', '/DEVICE', '/Device/'])('counts what is posted to %s', async (path) => {
    const browser = userAgent(strata.origin);
    for (let count = 0; count < 5; count += 1) {
      expect(await guess(browser, path, `BCDF-GHJ${'BCDFG'[count]}`)).toBe(200);
    }
    expect(await guess(browser, path, 'BCDF-GHJK')).toBe(429);
  });

  test('counts an IPv6 network as one, whatever address of it a new browser comes from', async () => {
    for (let count = 0; count < 50; count += 1) {
      const status = await guess(userAgent(strata.origin), '/device', 'BCDF-GHJK', {
        'x-forwarded-for': `2001:db8::${count + 1}`,
      });
      expect(status).toBe(200);
    }
    const last = { 'x-forwarded-for': '2001:db8::ffff' };
    expect(await guess(userAgent(strata.origin), '/device', 'BCDF-GHJK', last)).toBe(429);
  });
});

describe('userCodeGuesses at the same moment', () => {
  test('lets twenty in parallel try no more codes than one after the other', async () => {
    const browser = userAgent(strata.origin);
    // From its first guess on the browser is known by its cookie.
    expect(await guess(browser, '/device', 'BCDF-GHJK')).toBe(200);
    const { fields } = formOf(await browser.get('/device'));

    const answers = await Promise.all(
      Array.from({ length: 20 }, () => browser.post('/device', { ...fields, user_code: 'BCDF-GHJK' })),
    );

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(4);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(16);
  });

  test('costs nobody a guess whose code is right', async () => {
    const tv = await addApp(strata, tvApp);
    const browser = userAgent(strata.origin);
    for (let count = 0; count < 8; count += 1) {
      const { user_code } = await askForDeviceCode(tv);
      expect((await typeUserCode(browser, user_code)).status).toBe(200);
    }
    expect(await guess(browser, '/device', 'BCDF-GHJK')).toBe(200);
  });
});

describe('userCodeInAddress', () => {
  test.each(['/device', '/device/', '/DEVICE'])(
    'fills in the code of %s and posts nothing by itself',
    async (path) => {
      const page = await userAgent(strata.origin).get(`${path}?user_code=BCDF-GHJK`);
      expect(page.body).toContain('value="BCDF-GHJK"');
      expect(page.body).not.toContain('.submit()');
    },
  );
});
