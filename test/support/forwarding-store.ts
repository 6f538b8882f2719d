// The same store with some of its methods replaced, for tests that watch, count or disturb what it is asked.
import type { Store } from '../../src/storage/store.ts';

export function forwardingStore(store: Store, replaced: Partial<Store>): Store {
  return {
    clock: store.clock,
    get: (type, id) => store.get(type, id),
    find: (type, field, value) => store.find(type, field, value),
    list: (type, index, value, options) => store.list(type, index, value, options),
    scan: (type, options) => store.scan(type, options),
    commit: (writes) => store.commit(writes),
    sweep: (limit) => store.sweep(limit),
    notify: (topic, key) => store.notify(topic, key),
    subscribe: (topic, listener) => store.subscribe(topic, listener),
    close: () => store.close(),
    ...replaced,
  };
}
