// Rate limits by the generic cell rate algorithm: one number per key says when its budget will be full
// again, so a burst of `limit` passes, after it one event per `windowMs / limit`, and nobody is locked out for
// good. The state is in memory and per process (lock-outs that must last are state of an account); it is
// bounded, the key that was idle the longest falls out first (I12).
import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/clock.ts';

export interface RateRule {
  /** Events that may come at once, and within each `windowMs` in the long run. */
  readonly limit: number;
  readonly windowMs: number;
}

export type LimitDecision =
  /** `fullAt`: when the budget is whole again, the state to keep. */
  | { readonly kind: 'allowed'; readonly fullAt: number }
  | { readonly kind: 'limited'; readonly retryAfterMs: number };

/** Whether one more event may happen at `now`, given the state that earlier ones left. */
export function decide(rule: RateRule, fullAt: number | undefined, now: number): LimitDecision {
  const next = Math.max(fullAt ?? now, now) + costOfOne(rule);
  const retryAfterMs = Math.ceil(next - rule.windowMs - now - ROUNDING_MS);
  if (retryAfterMs > 0) return { kind: 'limited', retryAfterMs };

  return { kind: 'allowed', fullAt: next };
}

export type LimitOutcome =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number };

export interface Limiter {
  /** Whether one event would pass now; takes nothing. */
  check(key: string): LimitOutcome;
  /** Takes one event from the key's budget, if there is one left. */
  take(key: string): LimitOutcome;
  /** Gives one event back: it turned out not to be what is counted. */
  giveBack(key: string): void;
  /** Makes the key's budget whole. */
  forget(key: string): void;
}

export interface LimiterOptions {
  readonly rule: RateRule;
  readonly clock: Clock;
  /** Keys remembered at most. */
  readonly keysMax?: number;
}

const KEYS_MAX = 50_000;
/** Fractions of a millisecond are no reason to refuse: sums of `windowMs / limit` are not exact. */
const ROUNDING_MS = 1e-3;

export function createLimiter({ rule, clock, keysMax = KEYS_MAX }: LimiterOptions): Limiter {
  let made: LRUCache<string, number> | undefined;

  /** Made with the first key, since room for all of them is taken at once: a server starts without. */
  function states(): LRUCache<string, number> {
    made ??= new LRUCache({
      max: keysMax,
      // A state that is `windowMs` old is that of an untouched key.
      ttl: Math.ceil(rule.windowMs) + 1,
      ttlResolution: 0,
      perf: clock,
    });
    return made;
  }

  function check(key: string): LimitOutcome {
    return outcomeOf(decide(rule, made?.get(key), clock.now()));
  }

  function take(key: string): LimitOutcome {
    const decision = decide(rule, made?.get(key), clock.now());
    if (decision.kind === 'allowed') states().set(key, decision.fullAt);
    return outcomeOf(decision);
  }

  function giveBack(key: string): void {
    const fullAt = made?.get(key);
    if (fullAt !== undefined) states().set(key, fullAt - costOfOne(rule));
  }

  function forget(key: string): void {
    made?.delete(key);
  }

  return { check, take, giveBack, forget };
}

/** One key of one limiter. */
export interface Budget {
  readonly limiter: Limiter;
  readonly key: string;
}

/** Takes one event from each budget, or from none if one of them is used up. */
export function takeAll(budgets: readonly Budget[]): LimitOutcome {
  const refusals = budgets
    .map(({ limiter, key }) => limiter.check(key))
    .filter((outcome) => outcome.kind === 'limited');
  if (refusals.length > 0) {
    return { kind: 'limited', retryAfterSeconds: Math.max(...refusals.map((one) => one.retryAfterSeconds)) };
  }

  for (const { limiter, key } of budgets) limiter.take(key);
  return { kind: 'allowed' };
}

export function giveBackAll(budgets: readonly Budget[]): void {
  for (const { limiter, key } of budgets) limiter.giveBack(key);
}

/** How much of the window one event uses up, in milliseconds. */
function costOfOne(rule: RateRule): number {
  return rule.windowMs / rule.limit;
}

function outcomeOf(decision: LimitDecision): LimitOutcome {
  if (decision.kind === 'allowed') return { kind: 'allowed' };

  return { kind: 'limited', retryAfterSeconds: Math.ceil(decision.retryAfterMs / 1000) };
}
