// Refusing writes at the server: a validator on each collection of records lets nothing through but what is said
// about the move itself. It is judged where a write is applied, so no insert and no change slips past it, whatever
// its process believed. Removals it does not see; those are up to the gate of each process (move-gate.ts).
import { type Collection, type Db, type Document, MongoServerError } from 'mongodb';
import type { Clock } from '../../core/clock.ts';
import { DomainError } from '../../core/errors.ts';
import { type MoveSource, storeMoves } from '../moves.ts';
import { decodedBody } from './body-encoding.ts';
import { DURABLE, type RecordDocument } from './kind.ts';
import { collectionOf, RECORD_COLLECTIONS } from './layout.ts';
import { recordKey } from './record-key.ts';

export interface FreezableStore {
  readonly db: Db;
  /** Where the records about moves lie. */
  readonly moves: Collection<RecordDocument>;
}

const UNAUTHORIZED = 13;
const VALIDATION_FAILED = 121;
const SOURCE = recordKey(storeMoves, 'source');

export function freezableStore(db: Db): FreezableStore {
  const moves = db.collection<RecordDocument>(collectionOf(storeMoves), { writeConcern: DURABLE });
  return { db, moves };
}

/** For clocks that differ a little, and for commits that were let in just before. */
export const FREEZE_GRACE_MS = 1_000;
const TRIES = 3;

/** Throws `conflict` where this user could not freeze the store, so that it is known long before it comes to that. */
export async function requireFreezing(store: FreezableStore, place: string): Promise<void> {
  try {
    // Changes nothing.
    await store.db.command({ collMod: collectionOf(storeMoves), validator: {}, validationLevel: 'off' });
  } catch (error) {
    if (!(error instanceof MongoServerError && error.code === UNAUTHORIZED)) throw error;
    const detail = `${place} does not let this user change collections (collMod), without which writes cannot be refused: grant it the role dbAdmin there as well`;
    throw new DomainError('conflict', { detail, cause: error });
  }
}

/** Makes the server refuse or take writes, as what the store knows of its move says. */
export async function settle(store: FreezableStore, clock: Clock): Promise<void> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const refusing = isRefusing(await sourceOf(store), clock.now());
    await (refusing ? refuseWrites(store) : takeWrites(store));
    // Somebody may have thought better of it before that was done.
    if (isRefusing(await sourceOf(store), clock.now()) === refusing) return;
  }
}

/** Ends the freeze of this copy, unless the store was moved by then. */
export async function endFreeze(store: FreezableStore, clock: Clock, copyId: string): Promise<void> {
  await store.moves.updateOne(
    { _id: SOURCE, 'b.copyId': copyId, 'b.phase': 'copying' },
    { $unset: { 'b.frozenFrom': '', 'b.frozenUntil': '' } },
  );
  await settle(store, clock);
}

function isRefusing(source: MoveSource | undefined, now: number): boolean {
  if (source?.phase === 'moved') return true;
  return source?.frozenFrom !== undefined && source.frozenFrom + FREEZE_GRACE_MS <= now;
}

async function refuseWrites({ db }: FreezableStore): Promise<void> {
  for (const collMod of RECORD_COLLECTIONS) {
    const validator = { k: storeMoves.name };
    await db.command({ collMod, validator, validationLevel: 'strict', validationAction: 'error' });
  }
}

/** Leaves collections alone that refuse nothing: a user who may not change them can restore all the same. */
async function takeWrites({ db }: FreezableStore): Promise<void> {
  const refusing = await refusingCollections(db);
  for (const collMod of refusing) {
    await db.command({ collMod, validator: {}, validationLevel: 'off' });
  }
}

async function refusingCollections(db: Db): Promise<string[]> {
  const found = await db
    .listCollections({ name: { $in: [...RECORD_COLLECTIONS] } }, { nameOnly: false })
    .toArray();
  return found.filter(({ options }) => isValidated(options)).map(({ name }) => name);
}

function isValidated({ validator = {}, validationLevel }: Document = {}): boolean {
  return Object.keys(validator).length > 0 && validationLevel !== 'off';
}

/** What the store knows of being moved away. */
export async function sourceOf({ moves }: FreezableStore): Promise<MoveSource | undefined> {
  const document = await moves.findOne({ _id: SOURCE }, { projection: { b: 1 } });
  // Nobody else writes records of this type, so the body is what it was written as.
  return document === null ? undefined : (decodedBody(document.b) as unknown as MoveSource);
}

/** How a write is refused while the validators are there. */
export function isRefusedByMove(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === VALIDATION_FAILED;
}
