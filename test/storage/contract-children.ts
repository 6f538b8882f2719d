// Processes of their own beside the one that tests, on the same store.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import type { Report, Task } from './contract-child.ts';

export interface Address {
  url: string;
  dataDir: string;
}

/** Starts a process that has the store open; it is killed when the test ends, at the latest. */
export async function startChild(
  { url, dataDir }: Address,
  program = 'contract-child.ts',
): Promise<ChildProcess> {
  const child = fork(new URL(program, import.meta.url), [url, dataDir], { execArgv: [] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await once(child, 'message');
  return child;
}

/** Gives the child its task and returns the first thing that it reports. */
export async function ask(child: ChildProcess, task: Task): Promise<Report> {
  child.send(task);
  const [report]: Report[] = await once(child, 'message');
  if (report === undefined) throw new Error('the child reported nothing');
  return report;
}

export async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'close');
  child.kill('SIGKILL');
  await gone;
}
