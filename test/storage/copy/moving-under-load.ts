// A store that moves while other processes write to it, and while its copier is killed again and again.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { type CopyReport, type CopyStep, copyStore } from '../../../src/storage/copy/copy-store.ts';
import { openSource, openTarget } from '../../../src/storage/copy/sides.ts';
import { openStore } from '../../../src/storage/open.ts';
import { forwardingStore } from '../../support/forwarding-store.ts';
import { contractTypes } from '../contract-types.ts';
import { contentOf } from './copy-fixtures.ts';
import type { Book, WriterReport } from './writer-child.ts';

export interface Move {
  from: string;
  to: string;
  dataDir: string;
  /** Records of each type that are there before, named as `fill` names them. */
  records: number;
  writers: number;
  /** Between two commits of the eight lines of each writer. */
  pauseMs: number;
  /** Steps at which a copier is killed, one copier after the other. */
  kills: readonly CopyStep['kind'][];
}

export interface Moved {
  report: CopyReport;
  books: Book[];
}

const LEASE_MS = 15_000;
/** A killed copier's freeze ends by itself after this. */
const FROZEN_MAX_MS = 2_000;

/** Fails where anything that was answered is not in the new store exactly as it was. */
export async function moveUnderLoad(move: Move): Promise<Moved> {
  const writers = await Promise.all(Array.from({ length: move.writers }, (_, n) => startWriter(move, n)));
  for (const [turn, kind] of move.kills.entries()) {
    await killedAt(kind, move, turn);
    // What is sealed stays so; everything else must go on by itself.
    if (kind !== 'sealed') await Promise.all(writers.map((writer) => writer.progress()));
  }
  const report = await finish(move);
  const books = await Promise.all(writers.map((writer) => writer.stop()));

  for (const book of books) {
    expect(book.surprises).toEqual([]);
    expect(book.answered).toBeGreaterThan(0);
  }
  await compareAll(move, books);
  return { report, books };
}

async function finish({ from, to, dataDir, kills }: Move): Promise<CopyReport> {
  const source = await openSource({ url: from, dataDir, types: contractTypes });
  const target = await openTarget({ url: to, dataDir, types: contractTypes });
  // The copier that was killed last is not waited for.
  const clock = { now: () => target.store.clock.now() + kills.length * LEASE_MS };
  try {
    return await copyStore({
      source: source.store,
      target: forwardingStore(target.store, { clock }),
      changes: source.changes,
      from: source.name,
      to: target.name,
      types: contractTypes,
      until: 'moved',
      frozenMaxMs: 30_000,
      tell: () => undefined,
    });
  } finally {
    await target.close();
    await source.close();
  }
}

async function compareAll({ from, to, dataDir }: Move, books: readonly Book[]): Promise<void> {
  const target = await openStore({ url: to, dataDir, types: contractTypes });
  const source = await openSource({ url: from, dataDir, types: contractTypes });
  try {
    const content = await contentOf(target);
    expect(content).toEqual(await contentOf(source.store));
    for (const [type, id, body] of books.flatMap(({ state }) => state)) {
      expect([`${type}/${id}`, content.get(`${type}/${id}`) ?? null]).toEqual([`${type}/${id}`, body]);
    }
    await expect(openStore({ url: from, dataDir, types: contractTypes })).rejects.toThrow(/was moved to/);
  } finally {
    await target.close();
    await source.close();
  }
}

interface Writer {
  /** Resolves when commits were answered again. */
  progress(): Promise<void>;
  stop(): Promise<Book>;
}

async function startWriter(
  { from, dataDir, writers, records, pauseMs }: Move,
  seed: number,
): Promise<Writer> {
  const file = new URL('./writer-child.ts', import.meta.url);
  const child = fork(file, [from, dataDir, ...[seed, writers, records, pauseMs].map(String)], {
    execArgv: [],
  });
  killedLater(child);
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('a writer ended early')));
  ended.catch(() => undefined);

  async function report<Kind extends WriterReport['kind']>(kind: Kind) {
    for (;;) {
      const [message]: WriterReport[] = await Promise.race([once(child, 'message'), ended]);
      if (message?.kind === kind) return message as Extract<WriterReport, { kind: Kind }>;
    }
  }
  await report('answered');

  return {
    progress: async () => {
      // The first may have been on its way already.
      await report('answered');
      await report('answered');
    },
    stop: async () => {
      child.send('stop');
      return (await report('book')).book;
    },
  };
}

/** Runs a copier until it says this step, and kills it there. */
async function killedAt(kind: CopyStep['kind'], { from, to, dataDir }: Move, turn: number): Promise<void> {
  const file = fileURLToPath(new URL('./copier-child.ts', import.meta.url));
  const settings = [kind, FROZEN_MAX_MS, turn * LEASE_MS].map(String);
  const child = spawn(process.execPath, [file, from, to, dataDir, ...settings]);
  killedLater(child);
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  createInterface(child.stdout).on('line', (line) => {
    said += `${line} `;
    if (line === kind) child.kill('SIGKILL');
  });
  const [, signal] = await once(child, 'close');
  if (signal !== 'SIGKILL') throw new Error(`the copier did not come to "${kind}": ${said}`);
}

function killedLater(child: ChildProcess): void {
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
}
