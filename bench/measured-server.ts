// The parent's side of a server process.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type Target } from './http-client.ts';
import type { CpuTime } from './server-process.ts';

export interface MeasuredServer {
  target: Target;
  /** CPU time since the start, in milliseconds. */
  cpuMs(): Promise<number>;
  stop(): Promise<void>;
}

export interface ServerPlace {
  directory: string;
  connectionsMax: number;
  /** Directory for a CPU profile of the process. */
  profileInto?: string | undefined;
}

export async function startMeasured(name: Target['name'], place: ServerPlace): Promise<MeasuredServer> {
  const directory = join(place.directory, name);
  mkdirSync(directory);
  // The log goes where a log goes, into a file: writing it is part of the cost.
  const log = openSync(join(directory, 'stderr.log'), 'w');
  const child = fork(join(import.meta.dirname, 'server-process.ts'), [name, directory], {
    execArgv: place.profileInto === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${place.profileInto}`],
    stdio: ['ignore', 'inherit', log, 'ipc'],
  });
  const { origin } = await answerOf<{ origin: string }>(child);
  const target = connect(name, origin, place.connectionsMax);

  return {
    target,
    async cpuMs() {
      child.send('cpu');
      return (await answerOf<CpuTime>(child)).cpuMs;
    },
    async stop() {
      target.close();
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}

/** The next message of the child, which sends nothing but answers. */
async function answerOf<Answer>(child: ChildProcess): Promise<Answer> {
  const waiting = new AbortController();
  const died = once(child, 'exit', { signal: waiting.signal }).then(() => {
    throw new Error(`the server process ended; see stderr.log`);
  });
  try {
    const [message] = await Promise.race([once(child, 'message'), died]);
    return message as Answer;
  } finally {
    waiting.abort();
    died.catch(() => undefined);
  }
}
