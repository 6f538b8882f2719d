// A store that fails as stores fail, by a plan: operations that take their time, commits that are refused,
// commits that are applied and never answered, a process that dies at its n-th write, wake-ups that are lost,
// late or told twice.
import { DomainError } from '../../src/core/errors.ts';
import type { Store } from '../../src/storage/store.ts';
import { armed, type Call, type Delay, type FaultPlan } from './faulty-store-plan.ts';
import { forwardingStore } from './forwarding-store.ts';

export interface FaultyStore extends Store {
  /** Replaces the plan; whatever is counted starts anew. A store that has died stays dead. */
  plan(plan: FaultPlan): void;
  /** How often it has refused, dropped, repeated or died since the plan was made; delays do not count. */
  blows(): number;
  /** Whether its process has died: another store over the same records is the restart. */
  isDead(): boolean;
}

export function faultyStore(store: Store, plan: FaultPlan = []): FaultyStore {
  let strike = armed(plan);
  let blows = 0;
  let isDead = false;

  async function through<Answer>(call: Call, ask: () => Promise<Answer>): Promise<Answer> {
    requireAlive();
    const { before, answer: late, blow } = strike(call);
    if (blow !== undefined) blows += 1;
    await over(before);
    if (blow === 'die_before') isDead = true;
    requireAlive();
    if (blow === 'refuse') throw away('it was refused');

    const answer = await ask();
    await over(late);
    if (blow === 'die_after') isDead = true;
    requireAlive();
    if (blow === 'lose_answer') throw away('its answer was lost');
    return answer;
  }

  function requireAlive(): void {
    if (isDead) throw away('the process is dead');
  }

  /** Never makes the caller wait. */
  async function wake(topic: string, key: string): Promise<void> {
    const { before, answer, blow } = strike({ operation: 'notify' });
    if (blow !== undefined) blows += 1;
    await over([...before, ...answer]);
    const times = blow === undefined ? 1 : blow === 'repeat' ? 2 : 0;
    for (let told = 0; told < times && !isDead; told += 1) store.notify(topic, key);
  }

  return {
    ...forwardingStore(store, {
      get: (type, id) => through({ operation: 'get', type: type.name }, () => store.get(type, id)),
      find: (type, field, value) =>
        through({ operation: 'find', type: type.name }, () => store.find(type, field, value)),
      list: (type, index, value, options) =>
        through({ operation: 'list', type: type.name }, () => store.list(type, index, value, options)),
      scan: (type, options) =>
        through({ operation: 'scan', type: type.name }, () => store.scan(type, options)),
      commit: (writes) => through({ operation: 'commit', writes }, () => store.commit(writes)),
      sweep: (limit) => through({ operation: 'sweep' }, () => store.sweep(limit)),
      notify: (topic, key) => void wake(topic, key),
      // The dead hear nothing.
      subscribe: (topic, listener) => store.subscribe(topic, (key) => isDead || listener(key)),
    }),
    plan: (next) => {
      strike = armed(next);
      blows = 0;
    },
    blows: () => blows,
    isDead: () => isDead,
  };
}

async function over(delays: readonly Delay[]): Promise<void> {
  for (const { until } of delays) await until();
}

function away(detail: string): DomainError {
  return new DomainError('store_unavailable', { detail });
}
