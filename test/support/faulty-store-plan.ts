// What goes wrong at a faulty store, and when. Nothing of it is left to chance: what strikes is chosen by
// operation, record type, count or a seeded share, and delays last until a gate of the test's opens or for a
// number of turns of the event loop.
import { setImmediate } from 'node:timers/promises';
import type { Write } from '../../src/storage/store.ts';
import { seededRandom } from './seeded-random.ts';

export const READS = ['get', 'find', 'list', 'scan'] as const;
const OPERATIONS = [...READS, 'commit', 'sweep', 'notify'] as const;

export type Operation = (typeof OPERATIONS)[number];

export type Delay = {
  /** Done, or with `answer` answered, once the promise is there. */
  readonly until: () => Promise<unknown>;
  /** Done at once, and only its answer is late. */
  readonly answer?: true;
};

export type Blow =
  /** Not done, and the caller hears `store_unavailable`. */
  | 'refuse'
  /** Done, and the caller hears `store_unavailable` all the same. */
  | 'lose_answer'
  /** Not done; from now on everything fails, as for a process that was killed just before. */
  | 'die_before'
  /** Done; its answer and everything from now on fails. */
  | 'die_after'
  /** A wake-up that nobody hears. */
  | 'drop'
  /** A wake-up that is told twice. */
  | 'repeat';

/** What strikes which operations; all that is left out holds for any. */
export interface FaultRule {
  readonly on: Operation | readonly Operation[];
  /** Name of a record type: of what is read, or of one of the writes. */
  readonly type?: string;
  /** Kind of one of the writes, of that type where one is named. */
  readonly write?: Write['kind'];
  /** Only the n-th of those that fit, counted from 1 and from when the plan was made. */
  readonly nth?: number;
  /** The n-th and all that come after it. */
  readonly from?: number;
  /** Strikes this part of those that fit, always the same ones. */
  readonly chance?: { readonly share: number; readonly seed: number };
  readonly fault: Blow | Delay;
}

/** All delays that fit apply, one after the other; of blows the first that fits. */
export type FaultPlan = readonly FaultRule[];

/** What is asked of the store, as rules look at it. */
export interface Call {
  readonly operation: Operation;
  readonly type?: string;
  readonly writes?: readonly Pick<Write, 'kind' | 'type'>[];
}

export interface Struck {
  readonly before: readonly Delay[];
  readonly answer: readonly Delay[];
  readonly blow?: Blow;
}

/** Answers what strikes each call; keeps count of those that went before. */
export function armed(plan: FaultPlan): (call: Call) => Struck {
  const rules = plan.map((rule) => ({ strikes: strikeOf(rule), fault: rule.fault }));
  return (call) => {
    // Every rule counts every call, whatever the others do.
    const faults = rules.filter(({ strikes }) => strikes(call)).map(({ fault }) => fault);
    const delays = faults.filter((fault) => typeof fault === 'object');
    const blow = faults.find((fault) => typeof fault === 'string');
    return {
      before: delays.filter(({ answer }) => answer !== true),
      answer: delays.filter(({ answer }) => answer === true),
      ...(blow !== undefined && { blow }),
    };
  };
}

function strikeOf(rule: FaultRule): (call: Call) => boolean {
  const random = rule.chance && seededRandom(rule.chance.seed);
  let count = 0;
  return (call) => {
    if (!fits(rule, call)) return false;

    count += 1;
    if (rule.nth !== undefined && rule.nth !== count) return false;
    if (rule.from !== undefined && count < rule.from) return false;
    return random === undefined || random() < (rule.chance?.share ?? 1);
  };
}

function fits(rule: FaultRule, call: Call): boolean {
  const { operation, writes = [] } = call;
  const on = typeof rule.on === 'string' ? [rule.on] : rule.on;
  if (!on.includes(operation)) return false;
  if (operation !== 'commit') return rule.write === undefined && isType(rule, call.type);
  if (rule.type === undefined && rule.write === undefined) return true;

  return writes.some(
    ({ kind, type }) => isType(rule, type.name) && (rule.write === undefined || rule.write === kind),
  );
}

function isType(rule: FaultRule, name: string | undefined): boolean {
  return rule.type === undefined || rule.type === name;
}

/** A delay of up to `max` turns of the event loop, different each time and the same for each seed. */
export function turns(seed: number, max: number): () => Promise<void> {
  const random = seededRandom(seed);
  return async () => {
    const count = Math.floor(random() * (max + 1));
    for (let turn = 0; turn < count; turn += 1) await setImmediate();
  };
}

/** Faults that no caller may notice; the tests of whole flows can be run on a store that has them. */
const harmless: Readonly<Record<string, FaultPlan>> = {
  latency: [
    { on: OPERATIONS, fault: { until: turns(1, 4) } },
    { on: OPERATIONS, fault: { until: turns(2, 4), answer: true } },
  ],
  'lost-wake-ups': [{ on: 'notify', fault: 'drop' }],
  'late-wake-ups': [{ on: 'notify', fault: { until: turns(3, 40) } }],
  'repeated-wake-ups': [{ on: 'notify', fault: 'repeat' }],
};

/** The plans of these names, separated by commas; none where there is no name. */
export function harmlessFaults(names: string | undefined): FaultPlan {
  return (names ?? '').split(',').flatMap((name) => {
    const plan = name === '' ? [] : harmless[name];
    if (!plan) throw new Error(`there are no harmless faults called ${name}`);
    return plan;
  });
}
