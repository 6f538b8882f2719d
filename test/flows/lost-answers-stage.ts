// Who takes part when an answer is lost: somebody new each time, who is signed in on another device as well.
import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { AccountId, SessionId } from '../../src/core/ids.ts';
import { admit } from '../../src/sessions/admission.ts';
import type { DeviceSession } from '../../src/sessions/device-session.ts';
import { admissionDeps, candidateFor } from '../support/admissions.ts';
import {
  addApp,
  apiApp,
  type JsonAnswer,
  nativeApp,
  newBrowser,
  type TestApp,
  tvApp,
  webApp,
} from '../support/app.ts';
import { pcApp, phoneApp } from '../support/qr-parties.ts';
import { liveSessionsOf } from '../support/sessions.ts';
import type { TestServer } from '../support/test-server.ts';
import { type Answer, formOf, type UserAgent } from '../support/user-agent.ts';

export interface Parties {
  strata: TestServer;
  web: TestApp;
  /** Another one, for the same browser. */
  mail: TestApp;
  /** Of somebody else: asks for consent. */
  theirs: TestApp;
  native: TestApp;
  tv: TestApp;
  phoneId: string;
  pcId: string;
}

export interface Stage extends Parties {
  person: Awaited<ReturnType<TestServer['addAccount']>>;
  /** The person's session on a phone, which has nothing to do with what goes wrong. */
  elsewhere: SessionId;
}

export const api = 'https://demo-api.example';
/** For tokens that the store knows nothing of; others are written there. */
export const jwt = { scope: 'openid demo:read', resource: api };

export async function addParties(strata: TestServer): Promise<Parties> {
  const [web, mail, theirs, native, tv, phone, pc] = await Promise.all([
    addApp(strata, webApp),
    addApp(strata, { ...webApp, client_name: 'Mail' }),
    addApp(strata, { ...webApp, first_party: false }),
    addApp(strata, nativeApp),
    addApp(strata, tvApp),
    strata.addClient(phoneApp),
    strata.addClient(pcApp),
  ]);
  return { strata, web, mail, theirs, native, tv, phoneId: phone.id, pcId: pc.id };
}

export async function newStage(parties: Parties): Promise<Stage> {
  const { store, clock, addAccount } = parties.strata;
  const person = await addAccount();
  // An id that the server gave out.
  const phone = candidateFor(person.id as AccountId, clock.now());
  await admit(admissionDeps(store, 200), phone);
  return { ...parties, person, elsewhere: phone.session.id };
}

export function newApiApp({ strata }: Parties): Promise<TestApp> {
  return addApp(strata, { ...apiApp, client_name: `Job ${randomBytes(4).toString('hex')}` });
}

/** Where the person is signed in beside the phone; the phone still is. */
export async function sessionsHere({ strata, person, elsewhere }: Stage): Promise<DeviceSession[]> {
  const live = await liveSessionsOf(strata, person);
  expect(live.map(({ id }) => id)).toContain(elsewhere);
  return live.filter(({ id }) => id !== elsewhere);
}

/** How many lines of refresh tokens all of the apps of these sessions have. */
export function chainsOf(sessions: readonly DeviceSession[]): number {
  const apps = sessions.flatMap((session) => Object.values(session.apps));
  return apps.reduce((count, { chains }) => count + Object.keys(chains).length, 0);
}

/** Refreshes with the token, and once more with the one that it gets for it. */
export async function expectRefreshes(app: TestApp, refreshToken: string): Promise<void> {
  const first = await app.refresh(refreshToken);
  expect(first).toMatchObject({ status: 200 });
  expect(await app.refresh(first.body.refresh_token)).toMatchObject({ status: 200 });
}

export function expectRefused(answer: JsonAnswer): void {
  expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  expect(answer.body).not.toHaveProperty('error_reason');
}

/** A browser that the person is signed in with, at the own pages alone. */
export async function signedInBrowser({ strata, web, person }: Stage): Promise<UserAgent> {
  const browser = newBrowser(strata);
  await web.code(browser, person);
  return browser;
}

/** A form that is filled in: posts it as often as it is called. */
export function filled(
  browser: UserAgent,
  page: Answer,
  typed: Record<string, string> = {},
): () => Promise<Answer> {
  const { action, fields } = formOf(page);
  return () => browser.post(action, { ...fields, ...typed });
}

/** Goes where the answer leads. */
export function followed(browser: UserAgent, answer: Answer): Promise<Answer> {
  expect(answer.status).toBe(303);
  return browser.open(new URL(answer.headers.get('location') ?? '', answer.url).href);
}
