// Write skew: admissions that have all read the same roster before any of them commits. Each would be within the
// limit by what it has read; together they would exceed it, and only the roster's precondition keeps them from it
// (I3). The same without that precondition exceeds it, so this can fail.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type AccountId, newAccountId } from '../../src/core/ids.ts';
import { admit } from '../../src/sessions/admission.ts';
import { deviceSessions } from '../../src/sessions/device-session.ts';
import { rosters } from '../../src/sessions/roster.ts';
import type { Store } from '../../src/storage/store.ts';
import {
  admissionDeps,
  admissionTypes,
  candidateFor,
  meetingAt,
  meetingPoint,
  withoutRosterPrecondition,
} from '../support/admissions.ts';
import type { OpenForContract } from './contract.ts';
import { startChild } from './contract-children.ts';
import type { AdmissionReport, Admissions } from './contract-skew-child.ts';

const LIMIT = 3;
const PROCESSES = 4;
const ADMISSIONS_EACH = 5;
const ADMISSIONS = PROCESSES * ADMISSIONS_EACH;
const TIMEOUT_MS = 60_000;

export function describeSkew(open: (options?: object) => ReturnType<OpenForContract>): void {
  describe('twenty admissions that have read one roster', { timeout: TIMEOUT_MS }, () => {
    it('leave as many sessions as the limit allows (I3)', async () => {
      const { store } = await open({ types: admissionTypes });
      const accountId = newAccountId();

      expect(await admitTogether(store, accountId)).toBe(ADMISSIONS);

      await expectLimit(store, accountId);
    });

    it('would leave more without the precondition on the roster', async () => {
      const { store } = await open({ types: admissionTypes });
      const accountId = newAccountId();

      expect(await admitTogether(withoutRosterPrecondition(store), accountId)).toBe(ADMISSIONS);

      expect(await liveIds(store, accountId)).toHaveLength(ADMISSIONS);
    });

    it('leave no more in four processes, and would without the precondition (I3)', async (context) => {
      const { store, address } = await open({ types: admissionTypes });
      if (address === undefined) return context.skip('only one process can use this store');
      const children = await Promise.all(
        Array.from({ length: PROCESSES }, () => startChild(address, 'contract-skew-child.ts')),
      );
      const [careful, careless] = [newAccountId(), newAccountId()];

      const kept = await admitInProcesses(children, { accountId: careful, careless: false });
      const exceeded = await admitInProcesses(children, { accountId: careless, careless: true });

      expect([kept, exceeded]).toEqual([ADMISSIONS, ADMISSIONS]);
      await expectLimit(store, careful);
      expect(await liveIds(store, careless)).toHaveLength(ADMISSIONS);
    });
  });
}

/** How many were admitted. */
async function admitTogether(store: Store, accountId: AccountId): Promise<number> {
  const arrive = meetingPoint(ADMISSIONS);
  const outcomes = await Promise.all(
    Array.from({ length: ADMISSIONS }, () =>
      admit(admissionDeps(meetingAt(store, arrive), LIMIT), candidateFor(accountId, store.clock.now())),
    ),
  );
  return outcomes.filter(({ kind }) => kind === 'admitted').length;
}

async function admitInProcesses(
  children: readonly ChildProcess[],
  given: Pick<Admissions, 'accountId' | 'careless'>,
): Promise<number> {
  const read = await Promise.all(
    children.map((child) => told(child, { ...given, count: ADMISSIONS_EACH, limit: LIMIT })),
  );
  expect(new Set(read)).toEqual(new Set(['read']));

  const reports = await Promise.all(children.map((child) => told(child, 'go')));
  return reports.reduce((sum, report) => sum + (typeof report === 'object' ? report.admitted : 0), 0);
}

async function told(child: ChildProcess, what: Admissions | 'go'): Promise<AdmissionReport | undefined> {
  child.send(what);
  const [report]: AdmissionReport[] = await once(child, 'message');
  return report;
}

async function expectLimit(store: Store, accountId: AccountId): Promise<void> {
  const live = await liveIds(store, accountId);
  expect(live).toHaveLength(LIMIT);
  const entries = (await store.get(rosters, accountId))?.entries ?? [];
  expect(entries.map(({ sid }) => String(sid)).toSorted()).toEqual(live.toSorted());
}

async function liveIds(store: Store, accountId: AccountId): Promise<string[]> {
  const page = await store.list(deviceSessions, 'account', accountId, { limit: 100 });
  return page.records.filter(({ state }) => state === 'live').map(({ id }) => id);
}
