// Cuts the power of a process that commits, without a machine whose plug could be pulled: its system calls are
// recorded, and up to any point of that record it is known which bytes a disk must have, and which it may have.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { recordTypes } from '../../src/records.ts';
import { openStore } from '../../src/storage/open.ts';
import { inspectCrashImage } from '../flows/crash-image.ts';
import { type Answered, whatIsKept } from './power-loss-book.ts';
import { type Luck, SimulatedDisk } from './power-loss-disk.ts';
import { type DiskEvent, SystemCallLog, tracedCalls } from './power-loss-log.ts';

export interface Recording {
  /** Where the process had its database, and nothing else. */
  readonly directory: string;
  readonly events: readonly DiskEvent[];
}

export interface RecordingOptions {
  readonly signIns: number;
  readonly seed: number;
  /** SQLite's `synchronous` in place of the driver's. */
  readonly synchronous?: 'NORMAL' | 'OFF';
}

/** What is left after a cut. */
export interface Aftermath {
  answered: number;
  /** Sentences about answered commits that are not there. */
  lost: string[];
  redeemedAgain: number;
  /** A sentence for each commit that is there by half. */
  halves: string[];
  /** `ok` where SQLite finds nothing wrong; `none` where there is no database. */
  integrity: string;
}

const MISSING = `the simulated power loss needs strace, which records system calls: install it (Debian: apt-get install strace) and allow ptrace (in a container: --cap-add=SYS_PTRACE)`;

/** Refuses with the remedy where system calls cannot be recorded. */
export async function requireStrace(): Promise<void> {
  try {
    await promisify(execFile)('strace', ['-f', '-o', '/dev/null', process.execPath, '--version']);
  } catch (cause) {
    throw new Error(MISSING, { cause });
  }
}

export async function record(options: RecordingOptions): Promise<Recording> {
  const place = await mkdtemp(join(tmpdir(), 'strata-power-'));
  const directory = join(place, 'disk');
  const [answers, log] = [join(place, 'answers'), join(place, 'strace.log')];
  try {
    await mkdir(directory);
    await writeFile(answers, '');
    await runTraced({ dataDir: join(directory, 'data'), answers, log }, options);
    return { directory, events: await eventsIn(log, { directory, answers }) };
  } finally {
    await rm(place, { recursive: true });
  }
}

async function runTraced(
  { dataDir, answers, log }: { dataDir: string; answers: string; log: string },
  { signIns, seed, synchronous }: RecordingOptions,
): Promise<void> {
  const weaken = synchronous && ['--import', join(import.meta.dirname, 'power-loss-weaken.ts')];
  const child = spawn(
    'strace',
    [
      ...['-f', '-y', '-xx', '-s', '10000000', '-o', log, '-e', `trace=${tracedCalls.join(',')}`],
      ...[process.execPath, ...(weaken ?? []), join(import.meta.dirname, 'power-loss-child.ts')],
      ...[dataDir, answers, String(signIns), String(seed)],
    ],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, ...(synchronous && { STRATA_TEST_SYNCHRONOUS: synchronous }) },
    },
  );
  const [code] = await once(child, 'close');
  assert.equal(code, 0, 'the recorded process does its work to the end');
}

async function eventsIn(log: string, watched: { directory: string; answers: string }): Promise<DiskEvent[]> {
  const calls = new SystemCallLog(watched);
  const events: DiskEvent[] = [];
  for await (const line of createInterface({ input: createReadStream(log) })) {
    const event = calls.read(line);
    if (event) events.push(event);
  }
  return events;
}

/** Cuts the power behind each of these events, in their order, and looks at what is left. */
export async function* cutPower(
  { directory, events }: Recording,
  cuts: readonly number[],
  lucks: readonly Luck[],
): AsyncGenerator<Aftermath> {
  const disk = new SimulatedDisk(directory);
  const answered: Answered[] = [];
  let next = 0;
  for (const cut of cuts.toSorted((one, other) => one - other)) {
    for (; next <= cut; next += 1) {
      const event = events[next];
      if (event) disk.apply(event);
      if (event?.kind === 'said') answered.push(JSON.parse(event.text));
    }
    for (const luck of lucks) yield await aftermathOf(disk, { directory, answered, luck });
  }
}

async function aftermathOf(
  disk: SimulatedDisk,
  { directory, answered, luck }: { directory: string; answered: readonly Answered[]; luck: Luck },
): Promise<Aftermath> {
  const place = await mkdtemp(join(tmpdir(), 'strata-power-left-'));
  const dataDir = join(place, 'data');
  try {
    await mkdir(dataDir);
    for (const [path, bytes] of disk.afterPowerLoss(luck)) {
      const file = join(place, relative(directory, path));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes);
    }
    return await inspect(dataDir, answered);
  } finally {
    await rm(place, { recursive: true });
  }
}

async function inspect(dataDir: string, answered: readonly Answered[]): Promise<Aftermath> {
  try {
    const { integrity, halves } = await inspectCrashImage(dataDir);
    const store = await openStore({ url: 'sqlite:strata.db', dataDir, types: recordTypes });
    const kept = await whatIsKept(store, answered);
    await store.close();
    return { answered: answered.length, ...kept, halves, integrity: JSON.stringify(integrity) };
  } catch (error) {
    const lost = answered.map(() => 'the database cannot be read');
    return { answered: answered.length, lost, redeemedAgain: 0, halves: [], integrity: String(error) };
  }
}
