// /healthz says that the process runs, /readyz that it should be given requests: the store answers, the keys
// are there, nobody has asked it to stop, and the records have not been moved to another store.
import type { Context } from 'koa';
import type { Keyring } from '../keys/keyring.ts';
import { keyRecords } from '../keys/keyring.ts';
import { moveSource } from '../storage/moves.ts';
import type { Store } from '../storage/store.ts';

export interface HealthDeps {
  store: Store;
  keyring: Keyring;
  /** Aborted when the process begins to stop. */
  shutdown: AbortSignal;
}

const READ_TIMEOUT_MS = 2_000;

export function showHealth(ctx: Context): void {
  ctx.set('cache-control', 'no-store');
  ctx.body = { status: 'ok' };
}

export function readiness(deps: HealthDeps) {
  return async function showReadiness(ctx: Context): Promise<void> {
    const problem = await problemOf(deps);
    ctx.set('cache-control', 'no-store');
    ctx.status = problem ? 503 : 200;
    if (problem) ctx.set('retry-after', '1');
    ctx.body = problem ? { status: 'not_ready', reason: problem } : { status: 'ready' };
  };
}

async function problemOf(deps: HealthDeps): Promise<string | undefined> {
  if (deps.shutdown.aborted) return 'stopping';
  try {
    await withTimeout(deps.store.get(keyRecords, 'signing.1'));
    const source = await withTimeout(moveSource(deps.store));
    return source?.phase === 'moved' ? 'moved' : undefined;
  } catch {
    // Whatever it is, the store cannot be read; the log of the requests that need it says more.
    return 'store';
  }
}

async function withTimeout<Result>(read: Promise<Result>): Promise<Result> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => timeout.reject(new Error('the store did not answer in time')),
    READ_TIMEOUT_MS,
  );
  try {
    return await Promise.race([read, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
