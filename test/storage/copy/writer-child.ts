// A process that writes to a store as long as it is not told to stop, as servers do while it is copied, and keeps
// book of what was answered. Its arguments: a URL, a directory, a number from 0 on, of how many such processes it is one, how many
// records were there before, and how long each line waits between two commits.
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { DomainError } from '../../../src/core/errors.ts';
import { openStore } from '../../../src/storage/open.ts';
import { insert, patch, put, remove, type Write } from '../../../src/storage/store.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { contractTypes, notes, things } from '../contract-types.ts';

/** `state`: what each record was according to the last answer about it; null where it was removed. */
export interface Book {
  readonly state: [type: string, id: string, body: object | null][];
  readonly answered: number;
  readonly refused: number;
  /** Everything else that came instead of an answer. */
  readonly surprises: string[];
}

export type WriterReport = { kind: 'answered'; count: number } | { kind: 'book'; book: Book };

const LINES = 8;
const REPORT_EVERY = 20;

const [url, dataDir, seed, writers, records, pauseMs] = process.argv.slice(2);
assert(url && dataDir && seed, 'started with a store and a number');
const shares = LINES * Number(writers);
const store = await openStore({ url, dataDir, types: contractTypes });
const state = new Map<string, [type: string, id: string, body: object | null]>();
const surprises: string[] = [];
let [answered, refused, isOver] = [0, 0, false];

process.once('message', () => {
  isOver = true;
});
await Promise.all(Array.from({ length: LINES }, (_, n) => line(n)));
const book: Book = { state: [...state.values()], answered, refused, surprises };
process.send?.({ kind: 'book', book } satisfies WriterReport, () => process.disconnect());
await store.close();

/** Each line has records of its own, so that it knows what they must be. */
async function line(place: number): Promise<void> {
  const random = seededRandom(Number(seed) * 100 + place);
  for (let n = 0; !isOver; n += 1) {
    const own = Math.floor(random() * Number(records));
    const turn = own - (own % shares) + place * Number(writers) + Number(seed);
    const thing = random() < 0.5 ? `thing-${turn}` : `w${seed}-${place}-${Math.floor(random() * 50)}`;
    const note = random() < 0.5 ? `note-${turn}` : `w${seed}-${place}-${n}`;
    await write(random, { thing, note, mark: `${seed}-${place}-${n}` });
    await pause(Number(pauseMs));
  }
}

async function write(random: () => number, { thing, note, mark }: Record<'thing' | 'note' | 'mark', string>) {
  const body = { login: `login of ${mark}`, state: mark, group: 'writers' };
  const choice = random();
  if (choice < 0.3)
    return commit([
      [put(things, thing, body), body],
      [put(notes, note, { mark }), { mark }],
    ]);
  if (choice < 0.5) return commit([[remove(things, thing), null]]);
  if (choice < 0.7)
    return commit([
      [remove(notes, note), null],
      [put(things, thing, body), body],
    ]);

  const before = await store.get(things, thing);
  if (before === undefined) return commit([[insert(things, thing, body), body]]);
  const after = { ...before, state: mark, login: `moved ${mark}` };
  return commit([
    [
      patch(things, thing, {
        set: [
          [['state'], mark],
          [['login'], after.login],
        ],
      }),
      after,
    ],
  ]);
}

async function commit(changes: readonly (readonly [Write, object | null])[]): Promise<void> {
  try {
    const outcome = await store.commit(changes.map(([write]) => write));
    if (!outcome.committed) surprises.push(JSON.stringify(outcome));
    for (const [{ type, id }, body] of changes) state.set(`${type.name}/${id}`, [type.name, id, body]);
    answered += 1;
    if (answered % REPORT_EVERY === 0)
      process.send?.({ kind: 'answered', count: answered } satisfies WriterReport);
  } catch (error) {
    // A refusal changes nothing, so the book stays as it is.
    if (error instanceof DomainError && error.code === 'overloaded') refused += 1;
    else surprises.push(String(error));
  }
}
