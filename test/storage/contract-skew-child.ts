// A process that admits sessions of one account while others do the same.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AccountId } from '../../src/core/ids.ts';
import { admit } from '../../src/sessions/admission.ts';
import { openStore } from '../../src/storage/open.ts';
import {
  admissionDeps,
  admissionTypes,
  candidateFor,
  meetingAt,
  meetingPoint,
  withoutRosterPrecondition,
} from '../support/admissions.ts';

export interface Admissions {
  accountId: AccountId;
  count: number;
  limit: number;
  /** Without the roster's precondition. */
  careless: boolean;
}

/** `read`: all of them have read the roster and wait for `go`. */
export type AdmissionReport = 'ready' | 'read' | { admitted: number };

const [url, dataDir] = process.argv.slice(2);
assert(url !== undefined && dataDir !== undefined, 'started with the address of a store');
const store = await openStore({ url, dataDir, types: admissionTypes });

process.on('message', (message: Admissions | 'go') => {
  if (message !== 'go') void admitAll(message);
});
tell('ready');

async function admitAll({ accountId, count, limit, careless }: Admissions): Promise<void> {
  const arrive = meetingPoint(count, async () => {
    const go = once(process, 'message');
    tell('read');
    await go;
  });
  const outcomes = await Promise.all(
    Array.from({ length: count }, () => {
      const met = meetingAt(careless ? withoutRosterPrecondition(store) : store, arrive);
      return admit(admissionDeps(met, limit), candidateFor(accountId, store.clock.now()));
    }),
  );
  tell({ admitted: outcomes.filter(({ kind }) => kind === 'admitted').length });
}

function tell(report: AdmissionReport): void {
  process.send?.(report);
}
