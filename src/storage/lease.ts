// Single flight across processes: whoever holds the lease does the work, the others leave it alone. A lease is
// a record with an expiry, taken and kept by conditional writes alone, so it works on every store and a holder
// that is gone is replaced as soon as its time has run out.
//
// A holder that stood still past its time (a stopped process, a long pause) learns of it only when it runs
// again, and for that moment two may be at work. What must not bear that puts `held()` into its commits.
import { setTimeout as pause } from 'node:timers/promises';
import { randomToken } from '../core/secrets.ts';
import { recordType } from './record-type.ts';
import { check, insert, patch, remove, type Store, type Write } from './store.ts';

export interface LeaseRecord {
  /** Made anew for each lease, so that nobody is taken for who held it before. */
  readonly holder: string;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly until: number;
}

/** By name of the work. */
export const leases = recordType<LeaseRecord>('lease', { lifetime: 'token', expiresAt: 'until' });

export interface LeaseTerms {
  /** How long a holder that says nothing keeps it, in milliseconds. */
  readonly ttlMs: number;
}

export interface Lease {
  /** Until when it is held, in milliseconds since the epoch by the store's clock. */
  readonly until: number;
  /** Whether it is held for a whole term from now on. False where it ran out or is another's: then for good. */
  renew(): Promise<boolean>;
  /** Whether it was still held; another's is left alone. */
  release(): Promise<boolean>;
  /** For a commit that may only be made by the holder. */
  held(): Write;
}

type LeaseStore = Pick<Store, 'clock' | 'commit'>;

const RENEWALS_PER_TERM = 3;

/** Undefined where somebody else holds it. */
export async function acquireLease(
  store: LeaseStore,
  name: string,
  { ttlMs }: LeaseTerms,
): Promise<Lease | undefined> {
  const holder = randomToken(16);
  const mine = [{ path: ['holder'], is: holder }];
  let until = store.clock.now() + ttlMs;

  const { committed } = await store.commit([insert(leases, name, { holder, until })]);
  if (!committed) return undefined;

  return {
    get until() {
      return until;
    },
    async renew() {
      const next = store.clock.now() + ttlMs;
      const outcome = await store.commit([patch(leases, name, { when: mine, set: [[['until'], next]] })]);
      if (outcome.committed) until = next;
      return outcome.committed;
    },
    async release() {
      return (await store.commit([remove(leases, name, mine)])).committed;
    },
    held: () => check(leases, name, mine),
  };
}

export type LeasedOutcome<Result> =
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'busy' };

/**
 * Does the work if nobody else is at it, and keeps the lease for as long as it takes. The signal is aborted when
 * the lease is lost, and the work had better stop: another may begin.
 */
export async function underLease<Result>(
  store: LeaseStore,
  name: string,
  terms: LeaseTerms,
  work: (signal: AbortSignal, lease: Lease) => Promise<Result>,
): Promise<LeasedOutcome<Result>> {
  const lease = await acquireLease(store, name, terms);
  if (lease === undefined) return { kind: 'busy' };

  const lost = new AbortController();
  const done = new AbortController();
  const keeping = keep(store, lease, { ...terms, lost, done: done.signal });
  try {
    return { kind: 'done', result: await work(lost.signal, lease) };
  } finally {
    done.abort();
    await keeping;
    // Where this fails the lease runs out by itself.
    await lease.release().catch(() => false);
  }
}

/** Renews the lease every so often until the work is done or the lease is lost. */
async function keep(
  { clock }: LeaseStore,
  lease: Lease,
  { ttlMs, lost, done }: LeaseTerms & { lost: AbortController; done: AbortSignal },
): Promise<void> {
  while (await waited(ttlMs / RENEWALS_PER_TERM, done)) {
    // A store that does not answer has given the lease to nobody else before its time is over.
    const silence = waited(Math.max(lease.until - clock.now(), 0), done).then(() => undefined);
    const renewed = await Promise.race([lease.renew().catch(() => undefined), silence]);
    const kept = renewed ?? lease.until > clock.now();
    if (!kept) return lost.abort(new Error('the lease was lost'));
  }
}

export interface LeasedWork extends LeaseTerms {
  readonly name: string;
  /** One bite. */
  readonly work: () => Promise<unknown>;
  /** The pause before each bite, in milliseconds. */
  readonly everyMs: number;
  /** How often the others look whether it is their turn, in milliseconds. */
  readonly retryMs: number;
  /** Told what failed; the work goes on. */
  readonly report: (error: unknown) => void;
}

/** Does a bite of work every so often, in one process at a time; another takes over when it stops or is gone. */
export async function runLeased(
  store: Pick<Store, 'clock' | 'commit' | 'get'>,
  { name, work, everyMs, retryMs, report, ...terms }: LeasedWork,
  stop: AbortSignal,
): Promise<void> {
  async function turn(lost: AbortSignal): Promise<void> {
    const over = AbortSignal.any([lost, stop]);
    while (await waited(everyMs, over)) await work().catch(report);
  }

  do {
    try {
      // A read costs less than a write that is refused.
      const taken = (await store.get(leases, name)) !== undefined;
      if (!taken) await underLease(store, name, terms, turn);
    } catch (error) {
      report(error);
    }
  } while (await waited(retryMs, stop));
}

/** Whether the time has passed; false as soon as the signal is aborted. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  return pause(ms, true, { signal, ref: false }).catch(() => false);
}
