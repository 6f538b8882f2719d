// The change log of a MongoDB: a change stream over the collections of records, from before the first record was
// copied on. Where it ends for now, a mark that is written at the time of asking tells.
//
// An event names the key of its record, which tells no id: that is asked from the record itself, and where that is
// gone, from what the copier has seen.
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { type Binary, BSON, type ChangeStream, type ChangeStreamDocument, MongoServerError } from 'mongodb';
import { DomainError } from '../../core/errors.ts';
import { randomToken } from '../../core/secrets.ts';
import type { ChangeLog, Changes, RecordName } from '../copy/change-log.ts';
import { keyText, keyValueOf } from '../key-text.ts';
import { storeMoves } from '../moves.ts';
import type { RecordType } from '../record-type.ts';
import { patch, type Store } from '../store.ts';
import type { Connection } from './connection.ts';
import {
  endFreeze,
  FREEZE_GRACE_MS,
  type FreezableStore,
  freezableStore,
  requireFreezing,
  settle,
  sourceOf,
} from './frozen.ts';
import type { RecordDocument } from './kind.ts';
import { RECORD_COLLECTIONS } from './layout.ts';
import { FREEZE_LEAD_MS } from './move-gate.ts';
import { kindOf, recordKey } from './record-key.ts';

export interface MongoChangeLogParts {
  readonly connection: Connection;
  /** The same database, opened for its move. */
  readonly store: Store;
  readonly types: readonly RecordType<object>[];
  /** Remembers which id is behind a key. */
  readonly known: {
    add(entries: Iterable<readonly [key: Uint8Array, id: string]>): void;
    find(key: Uint8Array): string | undefined;
    close(): void;
  };
}

type Event = ChangeStreamDocument<RecordDocument>;
type Stream = ChangeStream<RecordDocument, Event>;

/** A key that an event named, and the collection that it is in. */
interface Named {
  readonly key: Binary;
  readonly collection: string;
}

const PAUSE_MS = 50;
const AWAIT_MS = 100;
/** On a sharded cluster, where an event waits for the quietest shard, up to 10 s are in order. */
const MARK_WITHIN_MS = 60_000;
const MARK = recordKey(storeMoves, 'mark');
/** ChangeStreamHistoryLost, ChangeStreamFatalError, InvalidResumeToken, FailedToParse. */
const LOST: readonly unknown[] = [286, 280, 260, 9];
/** After these the collections are not what they were. */
const ENDINGS: readonly string[] = ['drop', 'dropDatabase', 'rename', 'invalidate'];
const PIPELINE = [
  { $match: { $or: [{ 'ns.coll': { $in: RECORD_COLLECTIONS } }, { operationType: { $in: ENDINGS } }] } },
  {
    $project: {
      operationType: 1,
      ns: 1,
      documentKey: 1,
      'fullDocument.mark': 1,
      'updateDescription.updatedFields.mark': 1,
    },
  },
];

export class MongoChangeLog implements ChangeLog {
  readonly #parts: MongoChangeLogParts;
  readonly #freezable: FreezableStore;
  /** Types by the first bytes of their keys. */
  readonly #types: ReadonlyMap<string, RecordType<object>>;
  /** The stream of the last read, which the next one most likely goes on with. */
  #open: { readonly stream: Stream; position: string } | undefined;

  constructor(parts: MongoChangeLogParts) {
    this.#parts = parts;
    this.#freezable = freezableStore(parts.connection.db);
    this.#types = new Map(parts.types.map((type) => [kindOf(type).toString('hex'), type]));
  }

  async start(): Promise<string> {
    await requireFreezing(this.#freezable, this.#parts.connection.place);
    await this.#mark();
    const stream = await this.#follow();
    const event = await stream.tryNext();
    const token: unknown = event?._id ?? stream.resumeToken;
    assert(token, 'a change stream tells where it is');
    this.#open = { stream, position: BSON.EJSON.stringify(token) };
    return this.#open.position;
  }

  async read(after: string, limit: number): Promise<Changes> {
    try {
      return await this.#read(after, limit);
    } catch (error) {
      await this.#closeStream();
      if (error instanceof MongoServerError && LOST.includes(error.code)) return { kind: 'lost' };
      throw error;
    }
  }

  copied(names: readonly RecordName[]): void {
    this.#parts.known.add(
      names.map(({ type, id }) => [recordKey({ name: type }, id).value(), keyText(id)] as const),
    );
  }

  async freeze(ms: number): Promise<void> {
    const { store } = this.#parts;
    const frozenFrom = store.clock.now() + FREEZE_LEAD_MS;
    const announcement = patch(storeMoves, 'source', {
      when: [{ path: ['phase'], is: 'copying' }],
      set: [
        [['frozenFrom'], frozenFrom],
        [['frozenUntil'], frozenFrom + FREEZE_GRACE_MS + ms],
      ],
    });
    // Where that is not so it was moved, and is frozen for good.
    if ((await store.commit([announcement])).committed) {
      while (store.clock.now() < frozenFrom + FREEZE_GRACE_MS) await pause(PAUSE_MS);
    }
    await settle(this.#freezable, store.clock);
  }

  async thaw(): Promise<void> {
    const source = await sourceOf(this.#freezable);
    if (source !== undefined) await endFreeze(this.#freezable, this.#parts.store.clock, source.copyId);
  }

  async seal(position: string): Promise<boolean> {
    const left = await this.read(position, 1);
    if (left.kind === 'lost' || left.names.length > 0) return false;

    const sealed = await this.#parts.store.commit([
      patch(storeMoves, 'source', {
        when: [{ path: ['frozenFrom'], present: true }],
        set: [[['phase'], 'moved']],
      }),
    ]);
    await settle(this.#freezable, this.#parts.store.clock);
    return sealed.committed;
  }

  async stop(): Promise<void> {
    await settle(this.#freezable, this.#parts.store.clock);
    await this.#freezable.moves.deleteOne({ _id: MARK });
  }

  async close(): Promise<void> {
    await this.#closeStream();
    this.#parts.known.close();
    await this.#parts.connection.client.close();
  }

  async #read(after: string, limit: number): Promise<Changes> {
    const { stream } = await this.#streamFrom(after);
    const mark = await this.#mark();
    const deadline = this.#parts.store.clock.now() + MARK_WITHIN_MS;
    const named = new Map<string, Named>();
    let position = after;
    let isAtMark = false;

    while (!isAtMark && named.size < limit) {
      const event = await stream.tryNext();
      if (event === null) {
        if (this.#parts.store.clock.now() > deadline) throw silent(this.#parts.connection.place);
        continue;
      }
      position = BSON.EJSON.stringify(event._id);
      if (ENDINGS.includes(event.operationType)) return { kind: 'lost' };
      isAtMark = markOf(event) === mark;
      const key = keyIn(event);
      if (key !== undefined) named.set(key.key.toString('hex'), key);
    }

    this.#open = { stream, position };
    return { kind: 'changes', names: await this.#namesOf([...named.values()]), position, more: !isAtMark };
  }

  /** Something that the stream will tell behind everything that was committed before. */
  async #mark(): Promise<string> {
    const mark = randomToken(12);
    const document = { k: storeMoves.name, i: 'mark', b: { kind: 'mark' }, mark };
    await this.#freezable.moves.updateOne({ _id: MARK }, { $set: document }, { upsert: true });
    return mark;
  }

  async #streamFrom(after: string): Promise<{ stream: Stream }> {
    if (this.#open?.position === after) return this.#open;

    await this.#closeStream();
    return { stream: await this.#follow(after) };
  }

  async #follow(after?: string): Promise<Stream> {
    return this.#parts.connection.db.watch<RecordDocument, Event>(PIPELINE, {
      maxAwaitTimeMS: AWAIT_MS,
      ...(after !== undefined && { resumeAfter: BSON.EJSON.parse(after) }),
    });
  }

  async #closeStream(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.stream.close();
  }

  async #namesOf(named: readonly Named[]): Promise<RecordName[]> {
    const names: RecordName[] = [];
    for (const collection of RECORD_COLLECTIONS) {
      const keys = named.filter((each) => each.collection === collection).map(({ key }) => key);
      const ids = await this.#idsIn(collection, keys);
      for (const key of keys) {
        const type = this.#types.get(key.toString('hex').slice(0, 8));
        // One that is nowhere came and went between two reads, and was never copied.
        const id = ids.get(key.toString('hex')) ?? this.#parts.known.find(key.value());
        if (type !== undefined && id !== undefined) names.push({ type: type.name, id: keyValueOf(id) });
      }
    }
    return names;
  }

  async #idsIn(collection: string, keys: readonly Binary[]): Promise<ReadonlyMap<string, string>> {
    if (keys.length === 0) return new Map();
    const documents = this.#parts.connection.db
      .collection<RecordDocument>(collection)
      .find({ _id: { $in: keys } }, { projection: { i: 1 } });
    const ids = new Map<string, string>();
    for await (const { _id, i } of documents) ids.set(_id.toString('hex'), i);
    return ids;
  }
}

function keyIn(event: Event): Named | undefined {
  if (!('documentKey' in event) || !('ns' in event) || !('coll' in event.ns)) return undefined;
  return { key: event.documentKey._id, collection: event.ns.coll };
}

function markOf(event: Event): unknown {
  if (event.operationType === 'update') return fieldOf(event.updateDescription?.updatedFields);
  return event.operationType === 'insert' ? fieldOf(event.fullDocument) : undefined;

  function fieldOf(document: object | undefined): unknown {
    return document && Reflect.get(document, 'mark');
  }
}

function silent(place: string): DomainError {
  const seconds = MARK_WITHIN_MS / 1000;
  return new DomainError('store_unavailable', {
    detail: `${place} does not tell of its changes: nothing came within ${seconds} s of one`,
  });
}
