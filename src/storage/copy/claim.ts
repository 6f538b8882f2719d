// Who may copy what to where. Both stores carry the id of the copy, so that an interrupted one is taken on by the
// same command, and no two copies mix. The target knows who is at work, for a time that is extended as long as the
// work goes on; each commit to it depends on that being so.
import { DomainError } from '../../core/errors.ts';
import { randomToken } from '../../core/secrets.ts';
import { type MoveSource, type MoveTarget, moveSource, moveTarget, storeMoves } from '../moves.ts';
import type { RecordType } from '../record-type.ts';
import { check, insert, patch, put, remove, type Store, type Write } from '../store.ts';
import type { ChangeLog } from './change-log.ts';

export interface CopySides {
  readonly source: Store;
  readonly target: Store;
  /** What the two are called in sentences; without secrets. */
  readonly from: string;
  readonly to: string;
  /** Every type that is copied. */
  readonly types: readonly RecordType<object>[];
}

type Progress = Pick<MoveTarget, 'position' | 'copied' | 'cursor'>;

/** Bites that may be on their way to the target at once; each lane has a fence, so that they do not collide. */
export const LANES = 8;
const LEASE_MS = 15_000;

export interface Claim {
  readonly copyId: string;
  /** The source was sealed by an earlier run, which did not come to its end. */
  readonly moved: boolean;
  readonly progress: Progress;
  /** The precondition of everything that this copier commits to the target. */
  fence(lane: number): Write;
  /** Keeps the copy for this copier; throws if another has taken it on. */
  hold(): Promise<void>;
  /** Whether the source was told to forget about this copy. */
  isGivenUp(): Promise<boolean>;
  save(progress: Progress): Promise<void>;
  /** The source is a thing of the past. Throws if the copy was abandoned. */
  markMoved(): Promise<void>;
  /** The target is a store like any other. */
  complete(): Promise<void>;
  /** Lets another copier go on at once. */
  release(): Promise<void>;
}

/** Begins a copy or takes on an unfinished one. Throws `conflict` with a sentence where neither can be. */
export async function claimCopy(sides: CopySides): Promise<Claim> {
  const { source, target } = sides;
  const [leaving, filling] = await Promise.all([moveSource(source), moveTarget(target)]);
  if (leaving !== undefined && leaving.copyId !== filling?.copyId) throw takenElsewhere(leaving, sides);
  if (filling !== undefined) refuseForeign(filling, { leaving, sides });
  else await refuseFilled(sides);

  const holder = randomToken(12);
  const held = await takeTarget(sides, { filling, holder });
  if (leaving === undefined) await markSource(sides, held.copyId);
  return claimOf(sides, { held, moved: leaving?.phase === 'moved' });
}

/** Makes the source a store like any other, whatever the copy left there. Throws `conflict` where it was moved. */
export async function abandonCopy(
  { store, changes }: { store: Store; changes: ChangeLog },
  from: string,
): Promise<void> {
  const isCopying = [{ path: ['phase'], is: 'copying' }];
  const outcome = await store.commit([remove(storeMoves, 'source', isCopying)]);
  const leaving = outcome.committed ? undefined : await moveSource(store);
  if (leaving !== undefined) {
    throw refused(
      `${from} was moved to ${leaving.to}, where records may have changed since; copy them back from there`,
    );
  }

  // Also where nothing was marked: whoever gave it up before may not have come this far.
  await changes.stop();
  if (!outcome.committed) throw refused(`${from} is not being copied`);
}

function takenElsewhere(leaving: MoveSource, { from, to }: CopySides): DomainError {
  if (leaving.phase === 'moved') return refused(`${from} was moved to ${leaving.to} already`);
  return refused(
    `${from} is being copied to ${leaving.to}, and ${to} is not that copy; finish it, or give it up with strata store copy --abandon`,
  );
}

function refuseForeign(
  filling: MoveTarget,
  { leaving, sides }: { leaving: MoveSource | undefined; sides: CopySides },
): void {
  const begun = leaving !== undefined || filling.position === undefined;
  if (begun) return;
  throw refused(`${sides.to} holds an unfinished copy that was given up: remove it, or name another`);
}

async function refuseFilled({ target, to, types }: CopySides): Promise<void> {
  for (const type of types) {
    const { records } = await target.scan(type, { limit: 1 });
    if (records.length > 0)
      throw refused(`${to} is not empty (it holds records of ${type.name}); name an empty store`);
  }
}

async function takeTarget(
  { target, from }: CopySides,
  { filling, holder }: { filling: MoveTarget | undefined; holder: string },
): Promise<MoveTarget> {
  const now = target.clock.now();
  if (filling !== undefined && filling.leaseUntil > now) throw atWork(filling.leaseUntil - now);

  const held: MoveTarget = {
    ...(filling ?? { kind: 'target', copyId: randomToken(16), from, copied: [] }),
    holder,
    leaseUntil: now + LEASE_MS,
  };
  const free = [
    { path: ['holder'], is: filling?.holder ?? '' },
    { path: ['leaseUntil'], is: filling?.leaseUntil ?? 0 },
  ];
  const set = [
    [['holder'], holder],
    [['leaseUntil'], held.leaseUntil],
  ] as const;
  const fences = Array.from({ length: LANES }, (_, lane) =>
    put(storeMoves, fenceId(lane), { kind: 'fence', holder }),
  );
  const first =
    filling === undefined
      ? insert(storeMoves, 'target', held)
      : patch(storeMoves, 'target', { when: free, set });
  const outcome = await target.commit([first, ...fences]);
  if (!outcome.committed) throw atWork(LEASE_MS);
  return held;
}

async function markSource({ source, to }: CopySides, copyId: string): Promise<void> {
  const body: MoveSource = { kind: 'source', copyId, to, phase: 'copying' };
  const outcome = await source.commit([insert(storeMoves, 'source', body)]);
  if (!outcome.committed) throw refused('another copy of this store has begun at the same time');
}

function claimOf(
  { source, target }: CopySides,
  { held, moved }: { held: MoveTarget; moved: boolean },
): Claim {
  const { copyId, holder } = held;
  const mine = { path: ['holder'], is: holder };
  let leaseUntil = held.leaseUntil;

  async function change(set: Parameters<typeof patch>[2]['set']): Promise<void> {
    const until = target.clock.now() + LEASE_MS;
    const write = patch(storeMoves, 'target', { when: [mine], set: [[['leaseUntil'], until], ...set] });
    const outcome = await target.commit([write]);
    if (!outcome.committed) throw takenOver();
    leaseUntil = until;
  }

  return {
    copyId,
    moved,
    progress: held,
    fence: (lane) => check(storeMoves, fenceId(lane), [mine]),
    hold: async () => {
      if (leaseUntil - target.clock.now() < LEASE_MS * 0.8) await change([]);
    },
    isGivenUp: async () => (await moveSource(source))?.copyId !== copyId,
    save: ({ position, copied, cursor }) =>
      change([
        [['position'], position],
        [['copied'], copied],
        [['cursor'], cursor],
      ]),
    markMoved: async () => {
      const here = [{ path: ['copyId'], is: copyId }];
      const outcome = await source.commit([
        patch(storeMoves, 'source', { when: here, set: [[['phase'], 'moved']] }),
      ]);
      if (!outcome.committed) throw givenUp();
    },
    complete: async () => {
      const fences = Array.from({ length: LANES }, (_, lane) => remove(storeMoves, fenceId(lane), [mine]));
      const outcome = await target.commit([remove(storeMoves, 'target', [mine]), ...fences]);
      if (!outcome.committed) throw takenOver();
    },
    release: async () => {
      await target.commit([patch(storeMoves, 'target', { when: [mine], set: [[['leaseUntil'], 0]] })]);
    },
  };
}

function fenceId(lane: number): string {
  return `fence_${lane}`;
}

function atWork(leftMs: number): DomainError {
  const seconds = Math.ceil(leftMs / 1000);
  return refused(
    `another strata store copy is at work on this copy, or ended without a word less than ${LEASE_MS / 1000} s ago; try again in ${seconds} s`,
  );
}

export function givenUp(): DomainError {
  return refused('the copy was given up by strata store copy --abandon');
}

export function takenOver(): DomainError {
  return refused('another strata store copy has taken this copy on');
}

export function refused(detail: string): DomainError {
  return new DomainError('conflict', { detail });
}
