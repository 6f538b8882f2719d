// What one operation asks of the store and how often it signs: counted in this process, one request at a time,
// after one that fills the caches.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Es256Signer } from '../src/oidc/es256-signer.ts';
import { type CountingStore, countingStore } from '../test/support/counting-store.ts';
import { connect, type Target } from './http-client.ts';
import type { Operation } from './operations.ts';
import { startServer } from './servers.ts';

export interface Counts {
  reads: number;
  /** Records written, by kind and type. */
  writes: string[];
  signatures: number;
}

const STEPS = 2;

/** Counts by the name of the operation. */
export async function countOperations(
  name: Target['name'],
  operations: readonly Operation[],
): Promise<Map<string, Counts>> {
  const directory = mkdtempSync(join(tmpdir(), 'strata-count-'));
  let counting: CountingStore | undefined;
  const server = await startServer(name, {
    directory,
    silent: true,
    wrapStore(store) {
      counting = countingStore(store);
      return counting;
    },
  });
  const signing = countSignatures();
  const target = connect(name, server.origin, 1);
  const counts = new Map<string, Counts>();
  for (const operation of operations) {
    if (name === 'bare' && operation.strataOnly) continue;
    counts.set(operation.name, await countOne(operation, { target, store: counting!, signing }));
  }
  signing.restore();
  target.close();
  await server.close();
  rmSync(directory, { recursive: true });
  return counts;
}

async function countOne(
  operation: Operation,
  counters: { target: Target; store: CountingStore; signing: ReturnType<typeof countSignatures> },
): Promise<Counts> {
  const { target, store, signing } = counters;
  const worker = await operation.open(target, 0);
  await worker.prepare?.(STEPS);
  await worker.step();
  store.reset();
  const before = signing.count();
  await worker.step();
  const { gets, finds, lists, writes } = store.counts();
  return { reads: gets + finds + lists, writes, signatures: signing.count() - before };
}

/** The engine signs by Web Cryptography unless it is given keys that sign by themselves, as Strata's do. */
function countSignatures() {
  const { subtle } = crypto;
  const originals = [subtle.sign, Es256Signer.prototype.sign] as const;
  let count = 0;
  subtle.sign = function sign(...given) {
    count += 1;
    return originals[0].apply(this, given);
  };
  Es256Signer.prototype.sign = function sign(...given) {
    count += 1;
    return originals[1].apply(this, given);
  };
  return {
    count: () => count,
    restore() {
      [subtle.sign, Es256Signer.prototype.sign] = originals;
    },
  };
}
