import { tmpdir } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStore } from '../../src/storage/open.ts';
import type { Store } from '../../src/storage/store.ts';
import {
  attemptTicket,
  issueTicket,
  type MacKeys,
  type TicketDeps,
  type TicketOptions,
  tickets,
} from '../../src/tickets/ticket.ts';
import { type TestClock, testClock } from '../support/test-clock.ts';

const address = { purpose: 'sign_up', subject: 'alice@example.com', binding: 'browser-a' };
const options: TicketOptions = {
  ...address,
  payload: { language: 'zh' },
  ttlMs: 900_000,
  attemptsMax: 5,
  alphabet: '0123456789',
  length: 6,
};

describe('issueTicket', () => {
  it('answers a code of the wished form', async () => {
    const { deps } = await setUp();

    const { code } = await issueTicket(deps, { ...options, alphabet: 'BCDF', length: 9 });

    expect(code).toMatch(/^[BCDF]{9}$/);
  });

  it('stores neither the code nor whom it is for (I7)', async () => {
    const { deps, store } = await setUp();
    const { code } = await issueTicket(deps, { ...options, length: 20 });

    const { records } = await store.scan(tickets, { limit: 10 });
    const stored = JSON.stringify(records);

    expect(records).toHaveLength(1);
    expect(stored).not.toContain(code);
    expect(stored).not.toContain('alice');
    expect(stored).not.toContain('browser-a');
  });

  it('replaces the ticket that was there: the former code is void', async () => {
    const { deps, store } = await setUp();
    const first = await issueTicket(deps, { ...options, length: 12 });
    const second = await issueTicket(deps, { ...options, length: 12 });

    expect((await store.scan(tickets, { limit: 10 })).records).toHaveLength(1);
    await expect(attemptTicket(deps, { ...address, ...first })).resolves.toMatchObject({ kind: 'wrong' });
    await expect(attemptTicket(deps, { ...address, ...second })).resolves.toMatchObject({ kind: 'right' });
  });

  it('leaves the ticket of another browser alone', async () => {
    const { deps } = await setUp();
    const mine = await issueTicket(deps, options);
    await issueTicket(deps, { ...options, binding: 'browser-b' });

    await expect(attemptTicket(deps, { ...address, ...mine })).resolves.toMatchObject({ kind: 'right' });
  });
});

describe('attemptTicket', () => {
  it('answers the payload for the right code', async () => {
    const { deps } = await setUp();
    const { code } = await issueTicket(deps, options);

    await expect(attemptTicket(deps, { ...address, code })).resolves.toMatchObject({
      kind: 'right',
      payload: { language: 'zh' },
    });
  });

  it.each([
    ['another purpose', { purpose: 'recovery' }],
    ['another subject', { subject: 'bob@example.com' }],
    ['another browser', { binding: 'browser-b' }],
    ['purpose and subject that run together alike', { purpose: 'sign_upalice', subject: '@example.com' }],
  ])('finds nothing for %s', async (_name, other) => {
    const { deps } = await setUp();
    const { code } = await issueTicket(deps, options);

    await expect(attemptTicket(deps, { ...address, ...other, code })).resolves.toEqual({ kind: 'absent' });
  });

  it('counts down, and refuses the right code once the tries are used up', async () => {
    const { deps } = await setUp();
    const { code } = await issueTicket(deps, { ...options, length: 8 });
    const wrong = { ...address, code: 'wrong' };

    for (const attemptsLeft of [4, 3, 2, 1, 0]) {
      await expect(attemptTicket(deps, wrong)).resolves.toEqual({ kind: 'wrong', attemptsLeft });
    }
    await expect(attemptTicket(deps, { ...address, code })).resolves.toEqual({ kind: 'too_many' });
  });

  it('gives parallel guesses no more tries than those that come one by one (I2)', async () => {
    const { deps } = await setUp();
    await issueTicket(deps, options);

    const answers = await Promise.all(
      Array.from({ length: 40 }, () => attemptTicket(deps, { ...address, code: 'wrong' })),
    );

    expect(answers.filter((answer) => answer.kind === 'wrong')).toHaveLength(5);
    expect(answers.filter((answer) => answer.kind === 'too_many')).toHaveLength(35);
  });

  it('lets one of many right answers redeem (I2)', async () => {
    const { deps, store } = await setUp();
    const { code } = await issueTicket(deps, { ...options, attemptsMax: 20 });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => attemptTicket(deps, { ...address, code })),
    );
    const redeems = answers.flatMap((answer) => (answer.kind === 'right' ? [answer.redeem] : []));

    const outcomes = await Promise.all(redeems.map((redeem) => store.commit([redeem])));

    expect(redeems).toHaveLength(20);
    expect(outcomes.filter((outcome) => outcome.committed)).toHaveLength(1);
    await expect(attemptTicket(deps, { ...address, code })).resolves.toEqual({ kind: 'absent' });
  });

  it('redeems nothing when the ticket was replaced between the answer and the commit', async () => {
    const { deps, store } = await setUp();
    const { code } = await issueTicket(deps, options);
    const answer = await attemptTicket(deps, { ...address, code });
    await issueTicket(deps, options);

    const outcome = answer.kind === 'right' && (await store.commit([answer.redeem]));

    expect(outcome).toMatchObject({ committed: false, failed: { index: 0, cause: 'condition' } });
  });

  it('knows an expired ticket no more, swept or not', async () => {
    const { deps, clock } = await setUp();
    const { code } = await issueTicket(deps, options);
    clock.advance(899_999);
    await expect(attemptTicket(deps, { ...address, code })).resolves.toMatchObject({ kind: 'right' });

    clock.advance(1);

    await expect(attemptTicket(deps, { ...address, code })).resolves.toEqual({ kind: 'absent' });
  });

  it('goes on with codes made under an earlier key, and not under one that is gone', async () => {
    const keys = new Map([['k1', Buffer.alloc(32, 1)]]);
    let current = 'k1';
    const macKeys: MacKeys = {
      current: () => ({ kid: current, key: keys.get(current) ?? Buffer.alloc(32) }),
      find: (kid) => keys.get(kid),
    };
    const { deps } = await setUp(macKeys);
    const { code } = await issueTicket(deps, options);
    keys.set('k2', Buffer.alloc(32, 2));
    current = 'k2';
    await expect(attemptTicket(deps, { ...address, code })).resolves.toMatchObject({ kind: 'right' });

    keys.delete('k1');

    await expect(attemptTicket(deps, { ...address, code })).resolves.toEqual({ kind: 'absent' });
  });
});

const oneKey: MacKeys = {
  current: () => ({ kid: 'k', key: Buffer.alloc(32, 9) }),
  find: () => Buffer.alloc(32, 9),
};

async function setUp(
  macKeys: MacKeys = oneKey,
): Promise<{ deps: TicketDeps; store: Store; clock: TestClock }> {
  const clock = testClock();
  const store = await openStore({ url: 'sqlite::memory:', dataDir: tmpdir(), clock, types: [tickets] });
  onTestFinished(() => store.close());
  return { deps: { store, clock, macKeys }, store, clock };
}
