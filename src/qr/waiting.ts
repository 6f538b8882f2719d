// Waiting for a transaction to move, without writing anything (I6). Whoever moves it wakes those who wait, in
// this process and in the others on the store. Wake-ups may be lost, so one shared timer reads the index of
// recent changes as well: one query per tick, however many are waiting. A wake-up is a hint to look again,
// never the truth itself: one too many costs a read.
import type { Clock } from '../core/clock.ts';
import type { Store } from '../storage/store.ts';
import { QR_FEED, qrTransactions, versionAt } from './transaction.ts';

export interface WaitersDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** Who comes beyond this must poll. */
  readonly subscribersMax: number;
  /** How often changes are looked for whose wake-up was lost. */
  readonly tickMs?: number;
  /** Hears of readings that failed; the next tick tries again. */
  readonly onError?: (error: unknown) => void;
}

export interface WaitUntil {
  /** The version that the caller has seen. */
  readonly sinceVersion: number;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** `full`: no room, the caller answers at once and names an interval. */
export type WaitOutcome = 'changed' | 'timeout' | 'aborted' | 'full';

export interface Waiters {
  /** Resolves when the transaction's version is another than `sinceVersion`, or the time is over. */
  wait(id: string, until: WaitUntil): Promise<WaitOutcome>;
  /** Calls the listener whenever the transaction may have moved. Returns how to stop, undefined when full. */
  subscribe(id: string, listener: () => void): (() => void) | undefined;
  /** Wakes everybody so that waits end, takes no more, and stops the timer. */
  close(): void;
}

/** Where wake-ups go after the commit that has moved a transaction; its id is their key. */
export const QR_TOPIC = 'qr';

const TICK_MS = 1_000;
/** A change is stamped before it is committed, and turns up in the index at most this much later. */
const LATE_MS = 3_000;
/** More changes than this at once, and everybody looks for themselves. */
const CHANGES_MAX = 1_000;
const PAGE_SIZE = 100;

export function createWaiters(deps: WaitersDeps): Waiters {
  const listeners = createListeners(deps.subscribersMax);
  const follower = createFollower(deps, listeners);

  function subscribe(id: string, listener: () => void): (() => void) | undefined {
    const remove = listeners.add(id, listener);
    if (!remove) return undefined;

    follower.start();
    return () => {
      remove();
      if (listeners.size() === 0) follower.stop();
    };
  }

  function close(): void {
    follower.stop();
    listeners.shut();
  }

  return {
    subscribe,
    wait: (id, until) => wait({ ...deps, subscribe }, id, until),
    close,
  };
}

/** Subscribes before it reads the version: a change in between is either read or heard. */
async function wait(
  deps: WaitersDeps & Pick<Waiters, 'subscribe'>,
  id: string,
  { sinceVersion, timeoutMs, signal }: WaitUntil,
): Promise<WaitOutcome> {
  const { promise, resolve } = Promise.withResolvers<WaitOutcome>();
  const unsubscribe = deps.subscribe(id, () => resolve('changed'));
  if (!unsubscribe) return 'full';

  const abort = () => resolve('aborted');
  const timeout = setTimeout(resolve, timeoutMs, 'timeout');
  signal?.addEventListener('abort', abort, { once: true });
  try {
    if (signal?.aborted) return 'aborted';
    if ((await currentVersion(deps, id)) !== sinceVersion) return 'changed';
    return await promise;
  } finally {
    clearTimeout(timeout);
    signal?.removeEventListener('abort', abort);
    unsubscribe();
  }
}

async function currentVersion(deps: Pick<WaitersDeps, 'store' | 'clock'>, id: string): Promise<number> {
  const transaction = await deps.store.get(qrTransactions, id);
  return transaction ? versionAt(transaction, deps.clock.now()) : 0;
}

interface Listeners {
  add(id: string, listener: () => void): (() => void) | undefined;
  call(id: string): void;
  callAll(): void;
  size(): number;
  shut(): void;
}

/** Listeners by transaction, at most `max` in all. */
function createListeners(max: number): Listeners {
  const byId = new Map<string, Set<() => void>>();
  let count = 0;
  let isShut = false;

  function add(id: string, listener: () => void): (() => void) | undefined {
    if (isShut || count >= max) return undefined;

    // A function of its own, so that one listener may be added twice.
    const own = () => listener();
    byId.set(id, (byId.get(id) ?? new Set()).add(own));
    count += 1;
    return () => remove(id, own);
  }

  function remove(id: string, own: () => void): void {
    const sameId = byId.get(id);
    if (!sameId?.delete(own)) return;

    count -= 1;
    if (sameId.size === 0) byId.delete(id);
  }

  function call(id: string): void {
    for (const listener of [...(byId.get(id) ?? [])]) listener();
  }

  function callAll(): void {
    for (const id of [...byId.keys()]) call(id);
  }

  function shut(): void {
    isShut = true;
    callAll();
  }

  return { add, call, callAll, size: () => count, shut };
}

/** Passes on wake-ups and looks for changes while somebody listens, one reading at a time. */
function createFollower(deps: WaitersDeps, listeners: Listeners): { start(): void; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let unsubscribe: (() => void) | undefined;
  let reading = false;
  let told: ReadonlyMap<string, number> = new Map();

  async function look(): Promise<void> {
    const changes = await recentChanges(deps);
    if (!changes) {
      listeners.callAll();
      return;
    }
    const before = told;
    told = changes;
    for (const [id, version] of changes) if (before.get(id) !== version) listeners.call(id);
  }

  async function tick(): Promise<void> {
    if (reading) return;

    reading = true;
    try {
      await look();
    } catch (error) {
      // The store may be away for a moment; whoever waits is told when it is back.
      deps.onError?.(error);
    } finally {
      reading = false;
    }
  }

  function wake(id: string | undefined): void {
    if (id === undefined) listeners.callAll();
    else listeners.call(id);
  }

  function start(): void {
    unsubscribe ??= deps.store.subscribe(QR_TOPIC, wake);
    timer ??= setInterval(() => void tick(), deps.tickMs ?? TICK_MS).unref();
  }

  function stop(): void {
    unsubscribe?.();
    unsubscribe = undefined;
    clearInterval(timer);
    timer = undefined;
  }

  return { start, stop };
}

/** Versions of what changed lately, by id; undefined where that is too much to tell one by one. */
async function recentChanges({ store, clock }: WaitersDeps): Promise<Map<string, number> | undefined> {
  const since = clock.now() - LATE_MS;
  const changes = new Map<string, number>();
  let after: string | undefined;

  while (changes.size < CHANGES_MAX) {
    const options = { limit: PAGE_SIZE, newestFirst: true, ...(after !== undefined && { after }) };
    const page = await store.list(qrTransactions, 'changes', QR_FEED, options);
    const recent = page.records.filter(({ changedAt = 0 }) => changedAt >= since);
    for (const { id, version } of recent) changes.set(id, version);
    if (recent.length < PAGE_SIZE || page.next === undefined) return changes;
    after = page.next;
  }
  return undefined;
}
