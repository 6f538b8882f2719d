// Whether this process may commit while the store is being moved. There is no trigger on MongoDB, so a freeze is
// announced ahead, and each process looks every second; who could not look for as long as a freeze is announced
// ahead asks before the next commit. What the announcement cannot reach, a process that was suspended between
// its look and its write, validators refuse at the server (frozen.ts).
import type { Clock } from '../../core/clock.ts';
import { type MoveSource, storeIsMoving } from '../moves.ts';
import { endFreeze, type FreezableStore, settle, sourceOf } from './frozen.ts';

/** How long before it begins a freeze is announced. */
export const FREEZE_LEAD_MS = 5_000;
const LOOK_EVERY_MS = 1_000;

export interface MoveGate {
  /** Throws `overloaded` while the store takes no writes. Asks the database only where that is not known. */
  enter(): Promise<void>;
  /** Told when the server refused a write because of a move: what nobody stands behind any more ends. */
  refused(): Promise<void>;
  close(): void;
}

export function moveGate(store: FreezableStore, clock: Clock): MoveGate {
  let openUntil = Number.NEGATIVE_INFINITY;
  const looking = setInterval(() => void look().catch(() => undefined), LOOK_EVERY_MS);
  looking.unref();

  async function look(): Promise<void> {
    const askedAt = clock.now();
    const source = await sourceOf(store);
    openUntil = openness(source, askedAt);
    // The copier is gone, or it would have thawed the store itself.
    if (isOver(source, askedAt)) await asAllowed(endFreeze(store, clock, source.copyId));
  }

  async function enter(): Promise<void> {
    if (clock.now() < openUntil) return;
    await look();
    if (clock.now() >= openUntil) throw storeIsMoving();
  }

  return { enter, refused: () => asAllowed(settle(store, clock)), close: () => clearInterval(looking) };
}

/** A server may lack the right to change collections; then it is up to the next run of the copier. */
async function asAllowed(ending: Promise<void>): Promise<void> {
  await ending.catch(() => undefined);
}

/** Until when commits are taken for sure, by what was known at that time. */
function openness(source: MoveSource | undefined, askedAt: number): number {
  if (source?.phase === 'moved') return Number.NEGATIVE_INFINITY;
  return Math.min(askedAt + FREEZE_LEAD_MS, source?.frozenFrom ?? Number.POSITIVE_INFINITY);
}

function isOver(source: MoveSource | undefined, now: number): source is MoveSource {
  return source?.phase === 'copying' && source.frozenUntil !== undefined && source.frozenUntil <= now;
}
