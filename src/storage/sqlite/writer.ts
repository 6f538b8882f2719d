// Where the engine runs: in a thread of its own for a file, since every commit waits for the disk, and in the
// callers' thread for a database in memory.
import type { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../core/clock.ts';
import { DomainError } from '../../core/errors.ts';
import { Engine } from './engine.ts';
import type { Answer, Job } from './job.ts';
import type { Table } from './table.ts';
import { WriteQueue } from './write-queue.ts';
import type { FromWriterThread, ToWriterThread, WriterThreadData } from './writer-thread.ts';

export interface Writer {
  submit(job: Job): Promise<Answer>;
  /** Takes no more jobs and waits for those that were taken. */
  drain(): Promise<void>;
  /** Gives up the connection that is the writer's own. */
  close(): Promise<void>;
}

export interface WriterOptions {
  readonly clock: Clock;
  readonly waitingMax: number;
  readonly waitingBytesMax: number;
  /** Told once when the writer is lost for good; every commit fails from then on. */
  readonly onFatal: (error: DomainError) => void;
}

export function memoryWriter(
  db: DatabaseSync,
  tables: ReadonlyMap<string, Table>,
  options: WriterOptions,
): Writer {
  const engine = new Engine(db, tables);
  const queue = new WriteQueue({ ...options, send: (batch) => queue.settle(engine.run(batch)) });

  return { submit: (job) => queue.submit(job), drain: () => queue.drain(), close: async () => undefined };
}

export async function threadWriter(data: WriterThreadData, options: WriterOptions): Promise<Writer> {
  const worker = new Worker(threadFile(), { workerData: data, name: 'strata-writer' });
  const send = (message: ToWriterThread) => worker.postMessage(message);
  const queue = new WriteQueue({ ...options, send: (batch) => send({ kind: 'batch', batch }) });
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  await started(worker);

  let closing = false;
  worker.on('message', (message: FromWriterThread) => {
    if (message.kind === 'answers') queue.settle(message.answers);
  });
  worker.once('error', (error) => lose(error));
  worker.once('exit', () => lose());

  function lose(cause?: unknown): void {
    if (closing) return;
    closing = true;
    const error = lost(cause);
    queue.fail(error);
    options.onFatal(error);
  }

  async function close(): Promise<void> {
    if (!closing) send({ kind: 'close' });
    closing = true;
    await exited;
  }

  return { submit: (job) => queue.submit(job), drain: () => queue.drain(), close };
}

/** The thread's file has this file's extension: `.ts` in the repository, `.js` in the package. */
function threadFile(): URL {
  const extension = fileURLToPath(import.meta.url).endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./writer-thread.${extension}`, import.meta.url);
}

function started(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause?: unknown) => reject(lost(cause));
    worker.once('error', fail);
    worker.once('exit', fail);
    worker.once('message', () => {
      worker.off('error', fail).off('exit', fail);
      resolve();
    });
  });
}

function lost(cause?: unknown): DomainError {
  return new DomainError('store_unavailable', { detail: 'the writer thread ended', cause });
}
