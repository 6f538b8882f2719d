// The writer thread. While one transaction is on its way to the disk the next batch gathers in the port; so
// the slower the disk, the larger the batches, and no timer is needed.
import assert from 'node:assert/strict';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { RecordType } from '../record-type.ts';
import { Checkpoints } from './checkpoints.ts';
import { type DatabaseSettings, openWritable } from './database.ts';
import { Engine } from './engine.ts';
import type { Answer, Batch, Job } from './job.ts';
import { tablesOf } from './table.ts';

export interface WriterThreadData extends DatabaseSettings {
  readonly types: readonly RecordType<object>[];
}

export type ToWriterThread = { kind: 'batch'; batch: Batch } | { kind: 'close' };
export type FromWriterThread = { kind: 'ready' } | { kind: 'answers'; answers: readonly Answer[] };

/** Jobs in one transaction: enough to share the cost of the disk, few enough to be answered soon. */
const JOBS_MAX = 256;
/** A pause in which the log is written back and emptied. Sweeps, which come all the time, are no work. */
const PAUSE_MS = 1_000;

const { types, ...settings } = workerData as WriterThreadData;
const db = openWritable(settings);
const engine = new Engine(db, tablesOf(types));
const checkpoints = new Checkpoints(db, settings);

const waiting: Job[] = [];
let now = 0;
let closing = false;
let pause: NodeJS.Timeout | undefined;

assert(parentPort !== null, 'the writer runs in a thread of its own');
const port = parentPort;
port.on('message', (message: ToWriterThread) => {
  receive(message);
  while (waiting.length > 0) {
    receiveMore();
    run();
  }
  if (closing) close();
});
answer({ kind: 'ready' });

function receive(message: ToWriterThread): void {
  if (message.kind === 'close') {
    closing = true;
    return;
  }
  // The latest time serves all that wait, since they are judged when they are committed, not when they came.
  now = message.batch.now;
  waiting.push(...message.batch.jobs);
}

/** All that came: how many wait decides when the log is written back. */
function receiveMore(): void {
  for (;;) {
    const next = receiveMessageOnPort(port);
    if (next === undefined) return;
    receive(next.message as ToWriterThread);
  }
}

function run(): void {
  checkpoints.before(waiting.length);
  const jobs = waiting.splice(0, JOBS_MAX);
  answer({ kind: 'answers', answers: engine.run({ now, jobs }) });
  checkpoints.after(now);
  if (jobs.some(({ kind }) => kind !== 'sweep')) awaitPause();
}

function awaitPause(): void {
  pause = pause?.refresh() ?? setTimeout(() => checkpoints.idle(), PAUSE_MS);
}

function answer(message: FromWriterThread): void {
  port.postMessage(message);
}

function close(): void {
  clearTimeout(pause);
  checkpoints.last();
  db.close();
  port.close();
}
