import { afterAll, beforeAll, expect, it } from 'vitest';
import { recordType } from '../../../src/storage/record-type.ts';
import {
  type CommitOutcome,
  check,
  type FieldChange,
  insert,
  patch,
  put,
  remove,
  type Write,
} from '../../../src/storage/store.ts';
import { describeMongo } from '../../support/mongo.ts';
import { type MonitoredStore, monitoredStore } from './monitored-store.ts';

interface Thing {
  login?: string;
  state?: string;
  until?: number;
  n?: number;
}

const doctors = recordType<Thing>('doctor');
const people = recordType<Thing>('person', { unique: ['login'], expiresAt: 'until' });

const CALLERS = 10;

describeMongo('transactions that meet on MongoDB', () => {
  let on: MonitoredStore;
  beforeAll(async () => {
    on = await monitoredStore({ types: [doctors, people] });
  });
  afterAll(() => on.dispose());

  const callers = Array.from({ length: CALLERS }, (_, n) => n);
  const onCall = [{ path: ['state'], is: 'on' }];

  async function race(attempt: (caller: number) => Write[]): Promise<CommitOutcome[]> {
    return Promise.all(callers.map((caller) => on.store.commit(attempt(caller))));
  }

  function winners(outcomes: readonly CommitOutcome[]): number[] {
    return callers.filter((caller) => outcomes[caller]?.committed);
  }

  const thereAndBack: FieldChange[] = [
    [['state'], 'off'],
    [['state'], 'on'],
  ];

  const leaning: [how: string, lean: (id: string) => Write][] = [
    ['checks', (id) => check(doctors, id, onCall)],
    ['writes as it is', (id) => patch(doctors, id, { when: onCall, set: [[['state'], 'on']] })],
    ['writes in two steps as it is', (id) => patch(doctors, id, { when: onCall, set: thereAndBack })],
  ];

  it.each(leaning)('never both leave where each %s the other', async (_, lean) => {
    for (let round = 0; round < 20; round += 1) {
      await on.store.commit([put(doctors, 'a', { state: 'on' }), put(doctors, 'b', { state: 'on' })]);
      const off = (id: string) => patch(doctors, id, { set: [[['state'], 'off']] });

      const outcomes = await Promise.all([
        on.store.commit([lean('b'), off('a')]),
        on.store.commit([lean('a'), off('b')]),
      ]);

      expect(outcomes.filter(({ committed }) => committed)).toHaveLength(1);
    }
  });

  it('have one winner, and nothing of the losers remains', async () => {
    const outcomes = await race((n) => [
      insert(doctors, `beside ${n}`, { n }),
      insert(doctors, 'prize', { n }),
      put(doctors, `last ${n}`, { n }),
    ]);

    const [winner, ...others] = winners(outcomes);
    expect(others).toEqual([]);
    expect(await on.store.get(doctors, 'prize')).toEqual({ n: winner });
    for (const n of callers) {
      const expected = n === winner ? { n } : undefined;
      expect(await on.store.get(doctors, `beside ${n}`)).toEqual(expected);
      expect(await on.store.get(doctors, `last ${n}`)).toEqual(expected);
    }
    for (const outcome of outcomes.filter(({ committed }) => !committed)) {
      expect(outcome).toEqual({ committed: false, failed: { index: 1, cause: 'exists' } });
    }
  });

  it.each([
    ['a new record', (n: number) => insert(people, `new ${n}`, { login: 'wanted', n })],
    ['a replaced one', (n: number) => put(people, `put ${n}`, { login: 'wanted', n })],
    ['a changed one', (n: number) => patch(people, `old ${n}`, { set: [[['login'], 'wanted']] })],
  ])('give one unique value to one, for %s', async (_, attempt) => {
    await on.store.commit(callers.map((n) => put(people, `old ${n}`, { login: `old ${n}`, n })));

    const outcomes = await race((n) => [attempt(n)]);

    const [winner, ...others] = winners(outcomes);
    expect(others).toEqual([]);
    expect(await on.store.find(people, 'login', 'wanted')).toEqual({ login: 'wanted', n: winner });
    await freeAgain('wanted');
  });

  it('give the value of an expired record to one, be it that record anew', async () => {
    for (let round = 0; round < 5; round += 1) {
      const login = `left behind ${round}`;
      await on.store.commit([insert(people, login, { login, until: on.clock.ms + 10 })]);
      on.clock.ms += 10;

      const outcomes = await race((n) => [insert(people, n === 0 ? login : `${login} ${n}`, { login, n })]);

      const [winner, ...others] = winners(outcomes);
      expect(others).toEqual([]);
      expect(await on.store.find(people, 'login', login)).toEqual({ login, n: winner });
    }
  });

  it('keep exactly one claim for each value that a record has', async () => {
    const id = (n: number) => `churn ${n % 4}`;
    const writes = [
      (n: number) => insert(people, id(n), { login: `first ${n % 5}` }),
      (n: number) => patch(people, id(n), { set: [[['login'], `second ${n % 3}`]] }),
      (n: number) => put(people, id(n), { login: `first ${n % 5}` }),
      (n: number) => patch(people, id(n), { set: [[['login'], undefined]] }),
      (n: number) => remove(people, id(n)),
    ];
    for (let round = 0; round < 8; round += 1) {
      await race((caller) => [writes[(caller + round) % writes.length]?.(caller * 7 + round) as Write]);
    }

    const { records } = await on.store.scan(people, { limit: 1_000 });
    const logins = records.flatMap(({ body }) => body.login ?? []);
    const claims = await on.client.db().collection('claims').find().toArray();

    expect(new Set(logins).size).toBe(logins.length);
    for (const login of logins) expect(await on.store.find(people, 'login', login)).toMatchObject({ login });
    expect(claims).toHaveLength(logins.length);
  });

  async function freeAgain(login: string): Promise<void> {
    const { records } = await on.store.scan(people, { limit: 1_000 });
    const holders = records.filter(({ body }) => body.login === login);
    expect(holders).toHaveLength(1);
    await on.store.commit(holders.map(({ id }) => remove(people, id)));
  }
});
