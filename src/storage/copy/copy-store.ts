// Copies a store into another while it is in use. First everything, record by record; then, again and again, what
// was changed meanwhile; then both are compared. Only then are writes refused, for the moment that the last few
// changes take. The source is sealed under a condition that its database itself judges: nothing was committed
// after the last change that is in the target. So no answered commit is lost, however slow anything was.
import { recordPages } from '../record-pages.ts';
import type { RecordType } from '../record-type.ts';
import type { ChangeLog, RecordName } from './change-log.ts';
import { type Claim, type CopySides, claimCopy, givenUp, refused } from './claim.ts';
import { compareStores } from './comparison.ts';
import type { Tally } from './tally.ts';
import { createTransfer, type Transfer } from './transfer.ts';

export interface CopyOptions extends CopySides {
  readonly changes: ChangeLog;
  /** `rehearsed`: everything but the move itself; writes are never refused. */
  readonly until: 'moved' | 'rehearsed';
  /** How long writes are refused at a time, at most, in milliseconds. */
  readonly frozenMaxMs: number;
  readonly tell: (step: CopyStep) => void;
}

export type CopyStep =
  /** So many records of a type in this run. */
  | { readonly kind: 'copied'; readonly type: string; readonly records: number; readonly isAll: boolean }
  /** So many changes were brought over. */
  | { readonly kind: 'caught_up'; readonly records: number }
  | { readonly kind: 'comparing' }
  /** Differences that no change explains were copied again. */
  | { readonly kind: 'repaired'; readonly records: number }
  | { readonly kind: 'frozen' }
  | { readonly kind: 'thawed' }
  | { readonly kind: 'sealed' }
  /** The change log did not reach back far enough. */
  | { readonly kind: 'begun_again' };

export interface CopyReport {
  /** What is in the target, by the name of the type. */
  readonly tallies: ReadonlyMap<string, Tally>;
  /** Records that a comparison found different without a change that explains it; copied again. */
  readonly repaired: number;
  /** How long writes were refused before the source was sealed, in milliseconds. */
  readonly frozenMs: number;
}

const PAGE = 1_000;
/** So few changes are left that writes may be refused for what they take. */
const FEW = 200;
const ROUNDS_MAX = 10_000;
/** So often it is said how far it got. */
const ROUNDS_TOLD = 20;
const COMPARISONS_MAX = 3;
const FREEZES_MAX = 5;
const BEGINNINGS_MAX = 3;

/** Where a copy stands; what is to survive this process is saved through the claim. */
interface Run {
  readonly options: CopyOptions;
  readonly claim: Claim;
  readonly transfer: Transfer;
  copied: readonly string[];
  cursor: string | undefined;
  position: string | undefined;
  /** Of the target, since the last comparison. */
  tallies: ReadonlyMap<string, Tally> | undefined;
  repaired: number;
  frozenMs: number;
}

/** Thrown where changes that the copy depends on are not known any more. */
class ChangesLost extends Error {}

/** Throws `conflict` with a sentence for the operator where the copy cannot be made, or not to its end. */
export async function copyStore(options: CopyOptions): Promise<CopyReport> {
  const claim = await claimCopy(options);
  const { position, copied, cursor } = claim.progress;
  const transfer = createTransfer(options, { claim, changes: options.changes });
  const fresh = { tallies: undefined, repaired: 0, frozenMs: 0 };
  const run: Run = { options, claim, transfer, copied, cursor, position, ...fresh };
  try {
    return await runToItsEnd(run);
  } catch (error) {
    await leave(run);
    throw error;
  }
}

async function runToItsEnd(run: Run): Promise<CopyReport> {
  for (let beginnings = 0; ; beginnings += 1) {
    try {
      await noteChanges(run);
      return await moveOver(run);
    } catch (error) {
      if (!(error instanceof ChangesLost) || beginnings >= BEGINNINGS_MAX) throw error;
      await beginAgain(run);
    }
  }
}

/** The order of the whole thing. */
async function moveOver(run: Run): Promise<CopyReport> {
  const { options, claim } = run;
  await copyEverything(run);
  await catchUp(run);
  const tallies = await compare(run);

  if (options.until === 'moved') {
    if (!claim.moved) await seal(run);
    await claim.markMoved();
    options.tell({ kind: 'sealed' });
    // Nothing is left, unless the database took a write that it should have refused.
    await catchUp(run);
    await claim.complete();
  } else {
    await claim.release();
  }
  return { tallies, repaired: run.repaired, frozenMs: run.frozenMs };
}

async function noteChanges(run: Run): Promise<void> {
  const { claim, options } = run;
  if (run.position !== undefined) return tellOfTarget(run);

  run.position = await options.changes.start();
  // Whoever gave it up in this very moment may have done so before there was a log to be removed.
  if (await claim.isGivenUp()) throw givenUp();
  await save(run);
}

/** What an earlier run has brought over. */
async function tellOfTarget({ options: { changes, target, types }, claim }: Run): Promise<void> {
  if (changes.copied === undefined) return;
  for (const type of types) {
    for await (const page of recordPages(target, type, PAGE)) {
      changes.copied(page.map(({ id }) => ({ type: type.name, id })));
      await claim.hold();
    }
  }
}

async function copyEverything(run: Run): Promise<void> {
  const { types } = run.options;
  for (const type of types) {
    if (!run.copied.includes(type.name)) await copyType(run, type);
  }
}

async function copyType(run: Run, type: RecordType<object>): Promise<void> {
  const { source, tell } = run.options;
  let records = 0;
  do {
    const after = run.cursor;
    const page = await source.scan(type, { limit: PAGE, ...(after !== undefined && { after }) });
    await run.transfer.bring(type, page.records);
    run.cursor = page.next;
    if (page.next === undefined) run.copied = [...run.copied, type.name];
    await save(run);
    records += page.records.length;
    tell({ kind: 'copied', type: type.name, records, isAll: page.next === undefined });
  } while (run.cursor !== undefined);
}

/** Brings over what was changed, until little is left; `onNames` is told all that was named. */
async function catchUp(run: Run, onNames: (names: readonly RecordName[]) => void = () => undefined) {
  let brought = 0;
  for (let rounds = 0; rounds < ROUNDS_MAX; rounds += 1) {
    const { names, more } = await nextChanges(run);
    onNames(names);
    brought += names.length;
    const isNear = !more && names.length <= FEW;
    if (brought > 0 && (isNear || rounds % ROUNDS_TOLD === ROUNDS_TOLD - 1)) {
      run.options.tell({ kind: 'caught_up', records: brought });
      brought = 0;
    }
    if (isNear) return;
  }
  throw refused(
    `${run.options.from} changes faster than it can be copied; try again when less goes on there`,
  );
}

interface Round {
  readonly names: readonly RecordName[];
  /** Records that could not be brought over yet. */
  readonly held: readonly RecordName[];
  readonly more: boolean;
}

async function nextChanges(run: Run): Promise<Round> {
  const { changes } = run.options;
  const read = run.position === undefined ? undefined : await changes.read(run.position, PAGE);
  if (read?.kind !== 'changes') throw new ChangesLost();

  const names = [...new Map(read.names.map((name) => [keyOf(name), name])).values()];
  const held = await run.transfer.bringAgain(names, run.tallies);
  if (run.position !== read.position) {
    run.position = read.position;
    await save(run);
  } else {
    await run.claim.hold();
  }
  return { names, held, more: read.more };
}

/** Compares both sides, until they differ in nothing but what was changed meanwhile and has come over since. */
async function compare(run: Run): Promise<ReadonlyMap<string, Tally>> {
  const { options, claim, transfer } = run;
  for (let comparisons = 0; comparisons < COMPARISONS_MAX; comparisons += 1) {
    options.tell({ kind: 'comparing' });
    const changed = new Set<string>();
    run.tallies = undefined;
    const { tallies, suspects } = await compareStores(options, claim.hold);
    run.tallies = tallies;
    // What came and is gone again by the time that the changes are read explains itself by nothing but its removal.
    options.changes.copied?.(suspects);
    await catchUp(run, (names) => {
      for (const name of names) changed.add(keyOf(name));
    });
    const unexplained = suspects.filter((name) => !changed.has(keyOf(name)));
    if (unexplained.length === 0) return tallies;

    await transfer.bringAgain(unexplained, tallies);
    run.repaired += unexplained.length;
    options.tell({ kind: 'repaired', records: unexplained.length });
  }
  throw refused(`${options.to} goes on differing from ${options.from}: does anything else write to it?`);
}

/** Refuses writes, brings over the last changes and makes that final; goes back to before where it takes long. */
async function seal(run: Run): Promise<void> {
  const { changes, source, frozenMaxMs, tell } = run.options;
  for (let freezes = 0; freezes < FREEZES_MAX; freezes += 1) {
    await catchUp(run);
    await changes.freeze(frozenMaxMs);
    const since = source.clock.now();
    tell({ kind: 'frozen' });
    const position = await drain(run, since + frozenMaxMs);
    const sealed = position !== undefined && (await changes.seal(position));
    run.frozenMs += source.clock.now() - since;
    if (sealed) return;

    await changes.thaw();
    tell({ kind: 'thawed' });
    if (await run.claim.isGivenUp()) throw givenUp();
  }
  throw refused(
    `the last changes did not come over within ${frozenMaxMs} ms, ${FREEZES_MAX} times; ${run.options.from} takes writes again, nothing is lost: try when less goes on there`,
  );
}

/** All that is left; resolves to the last position, or to nothing where it is not reached in time. */
async function drain(run: Run, deadline: number): Promise<string | undefined> {
  const { source } = run.options;
  const held = new Map<string, RecordName>();
  while (source.clock.now() < deadline) {
    const round = await nextChanges(run);
    for (const name of round.held) held.set(keyOf(name), name);
    if (round.more) continue;

    const left = await run.transfer.bringAgain([...held.values()], run.tallies);
    if (left.length === 0) return run.position;
    throw refused(`two records of ${left[0]?.type} have the same unique value in ${run.options.from}`);
  }
  return undefined;
}

async function beginAgain(run: Run): Promise<void> {
  const { changes, tell } = run.options;
  await changes.thaw();
  Object.assign(run, { position: undefined, copied: [], cursor: undefined, tallies: undefined });
  await save(run);
  tell({ kind: 'begun_again' });
}

/** What goes on without this copier: the source takes writes, another copier may take over. */
async function leave({ options, claim }: Run): Promise<void> {
  // Where the source cannot say so, it is not: what is sealed must stay so.
  const isGivenUp = await claim.isGivenUp().catch(() => false);
  await Promise.allSettled([isGivenUp ? options.changes.stop() : options.changes.thaw(), claim.release()]);
}

function save({ claim, position, copied, cursor }: Run): Promise<void> {
  return claim.save({
    ...(position !== undefined && { position }),
    copied,
    ...(cursor !== undefined && { cursor }),
  });
}

function keyOf({ type, id }: RecordName): string {
  return `${type}:${id}`;
}
