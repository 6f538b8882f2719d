// Walks through the commits of one request: at each of them the store refuses once, or applies it and is away from
// then on, or the process dies just before it or just after. Then a journey does what a real client would do next,
// and says what has become of it.
import { expect } from 'vitest';
import type { FaultPlan } from '../support/faulty-store-plan.ts';
import type { TestServer } from '../support/test-server.ts';
import type { UserAgent } from '../support/user-agent.ts';
import { halfDoneIn } from './half-done.ts';

/** One request that works, everything for it being prepared. */
export interface Journey {
  /** Who sends it, where that keeps cookies. */
  browser?: UserAgent;
  send(): Promise<{ status: number; headers: Headers }>;
  /** What a client does whose request failed, and what must hold then. `done`: how many commits were applied. */
  recover(done: number): Promise<void>;
}

export type Prepare = () => Promise<Journey>;

export interface Failure {
  plan: FaultPlan;
  /** How many commits were applied before it. */
  done: number;
}

/** What the process lives through, so that the caller has an answer. */
export function outagesAt(nth: number): Failure[] {
  return [
    { plan: [{ on: 'commit', nth, fault: 'refuse' }], done: nth - 1 },
    {
      plan: [
        { on: 'commit', nth, fault: 'lose_answer' },
        { on: 'commit', from: nth, fault: 'refuse' },
      ],
      done: nth,
    },
  ];
}

/** What it does not. Just before a commit it leaves what it does just after the one that came before. */
export function deathsAt(nth: number): Failure[] {
  const after: Failure = { plan: [{ on: 'commit', nth, fault: 'die_after' }], done: nth };
  const before: Failure = { plan: [{ on: 'commit', nth, fault: 'die_before' }], done: nth - 1 };
  return nth === 1 ? [before, after] : [after];
}

/** Commits that the request makes when nothing goes wrong. */
export async function commitsOf(strata: TestServer, prepare: Prepare): Promise<number> {
  const journey = await prepare();
  strata.store.reset();
  const { status } = await journey.send();
  expect(status).toBeLessThan(400);
  return strata.store.counts().commits;
}

export async function failAt(strata: TestServer, prepare: Prepare, { plan, done }: Failure): Promise<void> {
  const journey = await prepare();
  const cookies = new Map(journey.browser?.cookies);
  strata.faults.plan(plan);
  const answer = await journey.send();
  expect(strata.faults.blows()).toBeGreaterThan(0);

  if (strata.faults.isDead()) {
    // Whoever died has not answered.
    for (const key of journey.browser?.cookies.keys() ?? []) journey.browser?.cookies.delete(key);
    for (const [key, cookie] of cookies) journey.browser?.cookies.set(key, cookie);
    await strata.restart();
  } else {
    expectAskedBack(answer);
    strata.faults.plan([]);
  }

  expect((await halfDoneIn(strata.store)).halves).toEqual([]);
  await journey.recover(done);
}

/** 503 with the time to come back, or what RFC 6749 §4.1.2.1 has for apps that hear through a browser. */
function expectAskedBack({ status, headers }: { status: number; headers: Headers }): void {
  if (/[?&]error=temporarily_unavailable/.test(headers.get('location') ?? '')) return;

  expect(status).toBe(503);
  expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
}
