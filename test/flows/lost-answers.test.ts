// A store that answers nothing, or a process that dies, at each commit that a request makes. Whoever asks again
// as a client does finds that nothing was redeemed twice and nothing is half-done (I2, I8, I9); an authorization
// code whose answer was lost costs one new request and never a session.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codeOf, newBrowser } from '../support/app.ts';
import { sidOf } from '../support/sessions.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { commitsOf, deathsAt, type Failure, failAt, type Journey, outagesAt } from './lost-answers.ts';
import { grants } from './lost-answers-grants.ts';
import { pages } from './lost-answers-pages.ts';
import {
  addParties,
  expectRefreshes,
  expectRefused,
  newStage,
  type Parties,
  type Stage,
  sessionsHere,
} from './lost-answers-stage.ts';

const journeys = Object.entries({ ...grants, ...pages });

let strata: TestServer;
let parties: Parties;

beforeEach(async () => {
  strata = await startTestServer();
  parties = await addParties(strata);
});

afterEach(() => strata.close());

describe('an answer that is lost at any commit', () => {
  it.each(journeys)('of %s (I2, I9)', (_what, journey) => walk(journey, outagesAt));
});

describe('a process that dies at any commit', () => {
  it.each(journeys)('of %s (I2, I8)', (_what, journey) => walk(journey, deathsAt));
});

async function walk(
  journey: (stage: Stage) => Promise<Journey>,
  failuresAt: (nth: number) => Failure[],
): Promise<void> {
  const prepare = async () => journey(await newStage(parties));
  const commits = await commitsOf(strata, prepare);
  expect(commits).toBeGreaterThan(0);

  for (let nth = 1; nth <= commits; nth += 1) {
    for (const failure of failuresAt(nth)) await failAt(strata, prepare, failure);
  }
}

describe('a code whose answer was lost and that is shown again late', () => {
  it('ends the app that it opened, and no session of a browser', async () => {
    const stage = await newStage(parties);
    const { web, mail, person } = stage;
    const browser = newBrowser(strata);
    const code = await web.code(browser, person);
    strata.faults.plan([{ on: 'commit', nth: 1, fault: 'lose_answer' }]);
    expect((await web.redeem(code)).status).toBe(503);
    strata.faults.plan([]);
    const [session] = await sessionsHere(stage);
    strata.clock.advance(30_000);

    expectRefused(await web.redeem(code));

    expect(await sessionsHere(stage)).toMatchObject([
      { id: session?.id, state: 'live', apps: { 1: { ended: { reason: 'reuse' } } } },
    ]);
    const tokens = await web.signIn(browser, undefined);
    expect(sidOf(tokens)).toBe(session?.id);
    await expectRefreshes(web, tokens.refresh_token);
    expect(codeOf(await browser.open(mail.ask().address))).toBeTruthy();
  });
});
