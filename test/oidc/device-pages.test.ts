// The pages on which a person lets a TV in (RFC 8628), at their edges, and how often a TV may ask.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addApp, newBrowser, type TestApp, tvApp } from '../support/app.ts';
import { approveDevice, askForDeviceCode, pollForTokens, typeUserCode } from '../support/device-flow.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { formOf } from '../support/user-agent.ts';

const SECOND = 1000;

let strata: TestServer;
let tv: TestApp;
let person: Awaited<ReturnType<TestServer['addAccount']>>;

beforeAll(async () => {
  strata = await startTestServer();
  [tv, person] = await Promise.all([addApp(strata, tvApp), strata.addAccount()]);
});

afterAll(() => strata.close());

describe('a visitor without a session', () => {
  it.each([
    ['GET', '/device/x'],
    ['GET', '/device/authorize'],
    ['POST', '/device'],
    ['POST', '/logout/confirm'],
    ['GET', '/logout/success'],
    ['GET', '/authorize/x'],
    ['GET', `/authorize/${'x'.repeat(43)}`],
    ['GET', `/device/${'x'.repeat(43)}`],
  ])('gets no 5xx from %s %s (I9)', async (method, path) => {
    const browser = newBrowser(strata);

    const answer = method === 'GET' ? await browser.get(path) : await browser.post(path, {});

    expect(answer.status).toBeLessThan(500);
    expect(answer.body).not.toMatch(/ at .*\.js:\d+/);
  });

  it('who posts a code is sent to the page that has a form', async () => {
    const answer = await newBrowser(strata).post('/device', { user_code: 'AAAA-BBBB', xsrf: 'x' });

    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toMatch(/\/device$/);
  });
});

describe('a user code', () => {
  it('may be typed without its hyphen, in small letters', async () => {
    const code = await askForDeviceCode(tv);

    const page = await typeUserCode(newBrowser(strata), code.user_code.replace('-', '').toLowerCase());

    expect(page.body).toContain('Notes for TVs');
    expect(page.body).toContain(code.user_code);
  });

  it('in the address is filled in, and still confirmed by hand', async () => {
    const code = await askForDeviceCode(tv);
    const browser = newBrowser(strata);

    const page = await browser.open(code.verification_uri_complete);

    expect(page.status).toBe(200);
    expect(page.body).toContain(`value="${code.user_code}"`);
    expect((await pollForTokens(tv, code)).body.error).toBe('authorization_pending');
  });

  it('that is wrong can be tried a few times only (RFC 8628 §5.1)', async () => {
    const browser = newBrowser(strata);
    const page = await browser.open('/device');
    const { fields } = formOf(page);
    const statuses: number[] = [];
    for (let tries = 0; tries < 7; tries += 1) {
      const answer = await browser.post('/device', { ...fields, user_code: 'BBBB-BBBB' });
      statuses.push(answer.status);
    }

    expect(statuses.slice(0, 5).every((status) => status < 429)).toBe(true);
    expect(statuses.slice(5)).toEqual([429, 429]);
  });

  it('works once', async () => {
    const code = await askForDeviceCode(tv);
    await approveDevice(newBrowser(strata), code, person);
    await pollForTokens(tv, code);

    const page = await typeUserCode(newBrowser(strata), code.user_code);

    expect(page.body).not.toContain('name="confirm"');
  });

  it('is refused after ten minutes, and the TV hears expired_token', async () => {
    const code = await askForDeviceCode(tv);
    strata.clock.advance(600 * SECOND);

    const page = await typeUserCode(newBrowser(strata), code.user_code);

    expect(page.body).not.toContain('name="confirm"');
    expect((await pollForTokens(tv, code)).body.error).toBe('expired_token');
  });
});

describe('a person at the page', () => {
  it('refuses, and the TV hears access_denied', async () => {
    const code = await askForDeviceCode(tv);
    const browser = newBrowser(strata);
    const { action, fields } = formOf(await typeUserCode(browser, code.user_code));

    await browser.submit(action, { ...fields, abort: 'yes' });

    expect((await pollForTokens(tv, code)).body.error).toBe('access_denied');
  });

  it('cannot be made to confirm from elsewhere: the value of the page is needed', async () => {
    const code = await askForDeviceCode(tv);
    const browser = newBrowser(strata);
    await typeUserCode(browser, code.user_code);

    await browser.post('/device', { user_code: code.user_code, confirm: 'yes', xsrf: 'guessed' });

    expect((await pollForTokens(tv, code)).body.error).toBe('authorization_pending');
  });
});

describe('a TV that polls', () => {
  it('too fast hears slow_down, and goes on at its pace', async () => {
    const code = await askForDeviceCode(tv);

    expect((await pollForTokens(tv, code)).body.error).toBe('authorization_pending');
    expect((await pollForTokens(tv, code)).body.error).toBe('slow_down');
    strata.clock.advance(30 * SECOND);
    expect((await pollForTokens(tv, code)).body.error).toBe('authorization_pending');
  });

  it('is told how often it may', async () => {
    const code = await askForDeviceCode(tv);

    expect(code).toMatchObject({ interval: 5, expires_in: 600 });
  });

  it('writes nothing by it', async () => {
    const code = await askForDeviceCode(tv);
    strata.store.reset();

    await pollForTokens(tv, code);

    expect(strata.store.counts().commits).toBe(0);
  });

  it('with the code of another client learns nothing', async () => {
    const other = await addApp(strata, { ...tvApp, client_name: 'Other' });
    const code = await askForDeviceCode(tv);
    await approveDevice(newBrowser(strata), code, person);

    expect((await pollForTokens(other, code)).body.error).toBe('invalid_grant');
    expect((await pollForTokens(tv, code)).status).toBe(200);
  });
});
