// Two stores and what it takes to copy one into the other, for tests.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ChangeLog } from '../../../src/storage/copy/change-log.ts';
import { type CopyOptions, type CopyStep, copyStore } from '../../../src/storage/copy/copy-store.ts';
import { openSource, openTarget, type Side, type SourceSide } from '../../../src/storage/copy/sides.ts';
import { openStore } from '../../../src/storage/open.ts';
import type { RecordType } from '../../../src/storage/record-type.ts';
import { type Identified, put, type Store } from '../../../src/storage/store.ts';
import { contractTypes, notes, things } from '../contract-types.ts';

export interface House {
  /** The URLs of the two stores. */
  from: string;
  to: string;
  dataDir: string;
  source: SourceSide;
  /** The source. */
  store: Store;
  /** Opened when it is first asked for. */
  target(): Promise<Side>;
  /** The target as a server has it open. */
  moveIn(): Promise<Store>;
}

/** A store with records in it, and a place for its copy. */
export async function house(records = 0): Promise<House> {
  const dataDir = await mkdtemp(join(tmpdir(), 'strata-copy-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const [from, to] = ['sqlite:from.db', 'sqlite:to.db'];
  const types = contractTypes;
  const closing: { close(): Promise<void> }[] = [];
  onTestFinished(async () => {
    for (const each of closing.reverse()) await each.close();
  });
  async function closedLater<Closed extends { close(): Promise<void> }>(opened: Promise<Closed>) {
    const it = await opened;
    closing.push(it);
    return it;
  }

  await writeFile(join(dataDir, 'from.db'), '');
  const source = await closedLater(openSource({ url: from, dataDir, types }));
  let target: Promise<Side> | undefined;
  function openedTarget(): Promise<Side> {
    target ??= closedLater(openTarget({ url: to, dataDir, types }));
    return target;
  }
  await fill(source.store, records);
  return {
    from,
    to,
    dataDir,
    source,
    store: source.store,
    target: openedTarget,
    moveIn: () => closedLater(openStore({ url: to, dataDir, types })),
  };
}

export async function fill(store: Store, records: number): Promise<void> {
  for (let first = 0; first < records; first += 250) {
    const numbers = Array.from({ length: Math.min(250, records - first) }, (_, n) => first + n);
    await store.commit([
      ...numbers.map((n) =>
        put(things, `thing-${n}`, { login: `login-${n}`, group: `group-${n % 7}`, rank: n }),
      ),
      ...numbers.map((n) => put(notes, `note-${n}`, { text: `note ${n}`, '': null, $set: { 'a.b': [n] } })),
    ]);
  }
}

/** The same change log with some of its methods replaced. */
export function forwardingChanges(changes: ChangeLog, replaced: Partial<ChangeLog>): ChangeLog {
  return {
    start: () => changes.start(),
    read: (after, limit) => changes.read(after, limit),
    copied: (names) => changes.copied?.(names),
    freeze: (ms) => changes.freeze(ms),
    thaw: () => changes.thaw(),
    seal: (position) => changes.seal(position),
    stop: () => changes.stop(),
    close: () => changes.close(),
    ...replaced,
  };
}

export interface CopyRun {
  steps: CopyStep[];
  report: Awaited<ReturnType<typeof copyStore>>;
}

/** Runs a copy from its beginning or from wherever an earlier one stopped. */
export async function runCopy(
  place: House,
  options: Partial<CopyOptions> & { onStep?: (step: CopyStep) => void } = {},
): Promise<CopyRun> {
  const { source } = place;
  const target = await place.target();
  const steps: CopyStep[] = [];
  const report = await copyStore({
    source: source.store,
    target: target.store,
    changes: source.changes,
    from: source.name,
    to: target.name,
    types: contractTypes,
    until: 'moved',
    frozenMaxMs: 30_000,
    tell: (step) => {
      steps.push(step);
      options.onStep?.(step);
    },
    ...options,
  });
  return { steps, report };
}

/** All records of a store by type and id. */
export async function contentOf(
  store: Store,
  types: readonly RecordType<object>[] = contractTypes,
): Promise<Map<string, object>> {
  const content = new Map<string, object>();
  for (const type of types) {
    let after: string | undefined;
    do {
      const page = await store.scan(type, { limit: 1000, ...(after !== undefined && { after }) });
      for (const { id, body } of page.records as Identified<object>[])
        content.set(`${type.name}/${id}`, body);
      after = page.next;
    } while (after !== undefined);
  }
  return content;
}
