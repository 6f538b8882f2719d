// The pages and the API of QR sign-in while answers are lost: a person reloads or presses the button once more,
// an app asks again.
import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { accounts, findAccountByLogin } from '../../src/accounts/account.ts';
import { listConsents } from '../../src/accounts/consent.ts';
import type { AccountId } from '../../src/core/ids.ts';
import { deviceSessions } from '../../src/sessions/device-session.ts';
import { codeOf, newBrowser, type TestApp } from '../support/app.ts';
import { approveDevice, askForDeviceCode, pollForTokens, typeUserCode } from '../support/device-flow.ts';
import { type ApiAnswer, approvedPc, openPc, scannedPc, signedInPhone } from '../support/qr-parties.ts';
import { liveSessionsOf, sidOf } from '../support/sessions.ts';
import { type Person, submitSignIn } from '../support/sign-in.ts';
import { type Answer, formOf, type UserAgent } from '../support/user-agent.ts';
import type { Journey } from './lost-answers.ts';
import {
  chainsOf,
  expectRefreshes,
  filled,
  followed,
  type Stage,
  sessionsHere,
  signedInBrowser,
} from './lost-answers-stage.ts';

export const pages: Record<string, (stage: Stage) => Promise<Journey>> = {
  'a password': password,
  'a password for a native app': passwordForNativeApp,
  'the way back from a password': wayBack,
  'the way back from a consent': wayBackFromConsent,
  'a code for a browser that is signed in': codeAtOnce,
  'a pushed request': pushedRequest,
  'a consent': consent,
  'a request to sign up': signUpRequest,
  'a sign-up': signUp,
  'a sign-out': signOut,
  'a sign-out of one app': signOutOfApp,
  'a sign-out of all others': signOutOthers,
  'the approval of a TV': approvalOfTv,
  'a scan': scan,
  'an approval': approval,
  'a denial': denial,
};

/** The same form once more ends the session that nobody heard of: it is the same browser. */
async function password(stage: Stage): Promise<Journey> {
  const { strata, web, person } = stage;
  const browser = newBrowser(strata);
  const { address, verifier } = web.ask();
  const send = filled(browser, await browser.open(address), typedBy(person));

  async function recover(): Promise<void> {
    const code = { value: codeOf(await followed(browser, await send())), verifier };
    await expectOneSession(stage, web, code);
  }
  return { browser, send, recover };
}

async function passwordForNativeApp(stage: Stage): Promise<Journey> {
  const { strata, native, person } = stage;
  const browser = newBrowser(strata);
  const { address, verifier } = native.ask();
  const send = filled(browser, await browser.open(address), typedBy(person));

  async function recover(): Promise<void> {
    const code = { value: codeOf(await followed(browser, await send())), verifier };
    expect(await sessionsHere(stage)).toEqual([]);
    await expectOneSession(stage, native, code);
  }
  return { browser, send, recover };
}

async function expectOneSession(
  stage: Stage,
  app: TestApp,
  code: { value: string; verifier: string },
): Promise<void> {
  const { status, body } = await app.redeem(code);
  expect(status).toBe(200);
  const here = await sessionsHere(stage);
  expect(here).toHaveLength(1);
  expect(chainsOf(here)).toBe(1);
  await expectRefreshes(app, body.refresh_token);
}

/** Back at the app, the browser asks anew. The cookie that was lost with the answer costs a sign-in. */
async function wayBack(stage: Stage): Promise<Journey> {
  const { strata, web, person } = stage;
  const browser = newBrowser(strata);
  const posted = await filled(browser, await browser.open(web.ask().address), typedBy(person))();
  const send = () => browser.get(posted.headers.get('location') ?? '');

  async function recover(done: number): Promise<void> {
    expect((await send()).status).toBe(done > 0 ? 400 : 303);
    const { address, verifier } = web.ask();
    const page = await browser.open(address);
    const answer = page.status === 200 ? await submitSignIn(browser, page, person) : page;
    await expectOneSession(stage, web, { value: codeOf(answer), verifier });
  }
  return { browser, send, recover };
}

/** A browser that was signed in before still is, whatever it heard. */
async function wayBackFromConsent(stage: Stage): Promise<Journey> {
  const { theirs } = stage;
  const browser = await signedInBrowser(stage);
  const asked = { scope: 'openid email' };
  const page = await browser.open(theirs.ask(asked).address);
  const posted = await filled(browser, page, { decision: 'allow' })();
  const send = () => browser.get(posted.headers.get('location') ?? '');

  async function recover(done: number): Promise<void> {
    expect((await send()).status).toBe(done > 0 ? 400 : 303);
    const { address, verifier } = theirs.ask(asked);
    await expectOneSession(stage, theirs, { value: codeOf(await browser.open(address)), verifier });
  }
  return { browser, send, recover };
}

async function codeAtOnce(stage: Stage): Promise<Journey> {
  const { web } = stage;
  const browser = await signedInBrowser(stage);
  const { address, verifier } = web.ask();
  const send = () => browser.get(address);

  async function recover(): Promise<void> {
    await expectOneSession(stage, web, { value: codeOf(await send()), verifier });
  }
  return { browser, send, recover };
}

/** Used up or not, the app pushes its request once more. */
async function pushedRequest(stage: Stage): Promise<Journey> {
  const { web } = stage;
  const browser = await signedInBrowser(stage);
  const push = async () => {
    const { address, verifier } = web.ask();
    const { body } = await web.post('/par', Object.fromEntries(new URL(address).searchParams));
    const query = new URLSearchParams({ client_id: web.id, request_uri: body.request_uri });
    return { verifier, path: `/authorize?${query}` };
  };
  const first = await push();
  const send = () => browser.get(first.path);

  async function recover(done: number): Promise<void> {
    expect((await send()).status).toBe(done > 0 ? 400 : 303);
    const { path, verifier } = await push();
    await expectOneSession(stage, web, { value: codeOf(await browser.get(path)), verifier });
  }
  return { browser, send, recover };
}

async function consent(stage: Stage): Promise<Journey> {
  const { strata, theirs, person } = stage;
  const browser = await signedInBrowser(stage);
  const { address, verifier } = theirs.ask({ scope: 'openid email' });
  const send = filled(browser, await browser.open(address), { decision: 'allow' });

  async function recover(): Promise<void> {
    const code = { value: codeOf(await followed(browser, await send())), verifier };
    const { records } = await listConsents(strata.store, person.id as AccountId, { limit: 10 });
    expect(records).toMatchObject([{ clientId: theirs.id, revision: 1 }]);
    await expectOneSession(stage, theirs, code);
  }
  return { browser, send, recover };
}

interface Newcomer {
  browser: UserAgent;
  email: string;
  verifier: string;
  /** Asks for the mail. */
  ask(): Promise<Answer>;
}

async function newcomer({ strata, web }: Stage): Promise<Newcomer> {
  const browser = newBrowser(strata);
  const { address, verifier } = web.ask();
  const page = await browser.open(address);
  const email = `${randomBytes(6).toString('hex')}@example.com`;
  const start = await browser.get(page.url.replace(/sign-in$/, 'sign-up'));
  return { browser, email, verifier, ask: filled(browser, start, { email }) };
}

function typedInto(newcomer: Newcomer, page: Answer, code: string): () => Promise<Answer> {
  const typed = { email: newcomer.email, name: 'New', password: secretOf(newcomer), code };
  return filled(newcomer.browser, page, typed);
}

const secretOf = ({ email }: Newcomer) => `the secret of ${email}`;

function mailedCode({ strata }: Stage, email: string): string {
  const mail = strata.server.outbox?.list().find(({ to }) => to === email);
  return /\d{4}[ -]?\d{4}/.exec(mail?.text ?? '')?.[0] ?? '';
}

async function signUpRequest(stage: Stage): Promise<Journey> {
  const somebody = await newcomer(stage);
  async function recover(): Promise<void> {
    const page = await somebody.ask();
    const done = await typedInto(somebody, page, mailedCode(stage, somebody.email))();
    await expectNewAccount(stage, somebody, await followed(somebody.browser, done));
  }
  return { browser: somebody.browser, send: somebody.ask, recover };
}

/** A code that was used up is refused as such; the account is there, and its password opens it. */
async function signUp(stage: Stage): Promise<Journey> {
  const { web } = stage;
  const somebody = await newcomer(stage);
  const { browser, email } = somebody;
  const page = await somebody.ask();
  const send = typedInto(somebody, page, mailedCode(stage, email));

  async function recover(done: number): Promise<void> {
    const again = await send();
    const isMade = done >= 2;
    expect(again.status).toBe(isMade ? 400 : 303);
    if (!isMade) return expectNewAccount(stage, somebody, await followed(browser, again));

    const { address, verifier } = web.ask();
    const answer = await submitSignIn(browser, await browser.open(address), {
      email,
      password: secretOf(somebody),
    });
    await expectNewAccount(stage, { ...somebody, verifier }, answer);
  }
  return { browser, send, recover };
}

async function expectNewAccount(stage: Stage, somebody: Newcomer, answer: Answer): Promise<void> {
  const { strata, web } = stage;
  expect((await web.redeem({ value: codeOf(answer), verifier: somebody.verifier })).status).toBe(200);
  const account = await findAccountByLogin(strata.store, somebody.email);
  const { records } = await strata.store.scan(accounts, { limit: 1000 });
  expect(records.filter(({ body }) => body.email === somebody.email)).toMatchObject([{ id: account?.id }]);
  expect(await liveSessionsOf(strata, { id: account?.id ?? '' })).toHaveLength(1);
}

/** The button once more: the browser is signed out, as a page says or the way to sign in shows. */
async function signOut(stage: Stage): Promise<Journey> {
  const { web } = stage;
  const browser = await signedInBrowser(stage);
  const send = filled(browser, await browser.get('/logout'), { logout: 'yes' });

  async function recover(): Promise<void> {
    const again = await send();
    if (again.status !== 303) expect(again.body).toContain('no longer open');
    expect(await sessionsHere(stage)).toEqual([]);
    expect((await browser.open(web.ask().address)).url).toMatch(/\/sign-in$/);
  }
  return { browser, send, recover };
}

/** Of one app alone: the other one goes on. */
async function signOutOfApp(stage: Stage): Promise<Journey> {
  const { strata, web, mail, person } = stage;
  const browser = newBrowser(strata);
  const tokens = await web.signIn(browser, person);
  const kept = await mail.signIn(browser, undefined);
  const query = new URLSearchParams({ id_token_hint: tokens.id_token });
  const send = filled(browser, await browser.get(`/logout?${query}`));

  async function recover(): Promise<void> {
    await send();
    expect((await web.refresh(tokens.refresh_token)).body.error_reason).toBe('signed_out');
    await expectRefreshes(mail, kept.refresh_token);
    expect(await sessionsHere(stage)).toMatchObject([{ id: sidOf(kept) }]);
    expect(codeOf(await browser.open(mail.ask().address))).toBeTruthy();
  }
  return { browser, send, recover };
}

async function signOutOthers(stage: Stage): Promise<Journey> {
  const { strata, person, elsewhere } = stage;
  const browser = await signedInBrowser(stage);
  const { csrf = '' } = formOf(await browser.get('/devices')).fields;
  const send = () => browser.post('/devices/sign-out-others', { csrf });

  async function recover(): Promise<void> {
    expect((await send()).status).toBe(303);
    expect((await strata.store.get(deviceSessions, elsewhere))?.ended?.reason).toBe('kicked');
    expect(await liveSessionsOf(strata, person)).toHaveLength(1);
    expect((await browser.get('/devices')).status).toBe(200);
  }
  return { browser, send, recover };
}

/** The person confirms once more, or types the code again; the TV never hears that anybody refused. */
async function approvalOfTv(stage: Stage): Promise<Journey> {
  const { tv } = stage;
  const browser = await signedInBrowser(stage);
  const code = await askForDeviceCode(tv);
  const send = filled(browser, await typeUserCode(browser, code.user_code), { confirm: 'yes' });

  async function recover(): Promise<void> {
    await send();
    const first = await pollForTokens(tv, code);
    if (first.status !== 200) {
      expect(first.body.error).toBe('authorization_pending');
      await approveDevice(browser, code);
      stage.strata.clock.advance(POLL_MS);
    }
    const { status, body } = first.status === 200 ? first : await pollForTokens(tv, code);
    expect(status).toBe(200);
    await expectRefreshes(tv, body.refresh_token);
    expect(await sessionsHere(stage)).toHaveLength(2);
  }
  return { browser, send, recover };
}

const POLL_MS = 5_000;

async function scan(stage: Stage): Promise<Journey> {
  const { strata, person, phoneId, pcId } = stage;
  const phone = await signedInPhone(strata, phoneId, person);
  const pc = await openPc(strata, pcId);
  const send = () => phone.scan(pc.opened.qr_uri);

  async function recover(): Promise<void> {
    const scanned = await send();
    expect(scanned).toMatchObject({ status: 200 });
    const { match_number: number } = (await pc.look()).body;
    expect((await phone.approve(scanned.body.handshake, number)).status).toBe(204);
  }
  return { send, recover };
}

async function approval(stage: Stage): Promise<Journey> {
  const { strata, person, phoneId, pcId } = stage;
  const phone = await signedInPhone(strata, phoneId, person);
  const { pc, handshake, number } = await scannedPc(strata, phone, pcId);
  const send = () => phone.approve(handshake, number);

  async function recover(done: number): Promise<void> {
    expectArrow(await send(), done === 0 ? undefined : 'approved');
    const { account } = (await pc.look()).body;
    expect((await pc.redeem({ confirm: account.confirm })).status).toBe(200);
  }
  return { send, recover };
}

/** Whoever asks for an arrow that was taken is told where the transaction is. */
function expectArrow({ status, body }: ApiAnswer, taken: string | undefined): void {
  if (taken === undefined) expect(status).toBe(204);
  else
    expect({ status, body }).toMatchObject({ status: 409, body: { code: 'state_conflict', state: taken } });
}

async function denial(stage: Stage): Promise<Journey> {
  const { strata, person, phoneId, pcId } = stage;
  const phone = await signedInPhone(strata, phoneId, person);
  const { pc, handshake, confirm } = await approvedPc(strata, phone, pcId);
  const send = () => phone.deny(handshake);

  async function recover(done: number): Promise<void> {
    expectArrow(await send(), done === 0 ? undefined : 'denied');
    expect((await pc.redeem({ confirm })).body.error).toBe('access_denied');
  }
  return { send, recover };
}

function typedBy({ email, password }: Person): Record<string, string> {
  return { identifier: email, password };
}
