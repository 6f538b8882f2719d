// A copier in a process of its own, to be killed. It says each step on standard output, and stands still at the
// one that it was told to.
import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { copyStore } from '../../../src/storage/copy/copy-store.ts';
import { openSource, openTarget } from '../../../src/storage/copy/sides.ts';
import { forwardingStore } from '../../support/forwarding-store.ts';
import { contractTypes } from '../contract-types.ts';

const [from, to, dataDir, standAt, frozenMaxMs, aheadMs] = process.argv.slice(2);
assert(from && to && dataDir && standAt, 'started with two URLs, a directory and a step');
const source = await openSource({ url: from, dataDir, types: contractTypes });
const target = await openTarget({ url: to, dataDir, types: contractTypes });
// The copier that was killed before this one is not waited for.
const clock = { now: () => target.store.clock.now() + Number(aheadMs) };
await copyStore({
  source: source.store,
  target: forwardingStore(target.store, { clock }),
  changes: source.changes,
  from: source.name,
  to: target.name,
  types: contractTypes,
  until: 'moved',
  frozenMaxMs: Number(frozenMaxMs),
  tell: ({ kind }) => {
    // Nothing but a synchronous write is out for sure before the thread stands still.
    writeSync(1, `${kind}\n`);
    if (kind === standAt) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
});
