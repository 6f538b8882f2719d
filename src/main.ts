// The command line: argv → command → exit code. Here and in cli/ alone the program knows the process that it
// runs in.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { CommanderError } from 'commander';
import { failureSentence } from './cli/failure.ts';
import { createProgram } from './cli/program.ts';
import type { Shell } from './cli/shell.ts';
import { type Streams, streamTerminal } from './cli/terminal.ts';
import type { Environment } from './config/environment.ts';

const FAILED = 1;

/** Resolves to the exit code; whatever goes wrong is told on standard error. */
export async function main(
  argv: readonly string[],
  env: Environment,
  streams: Streams = process,
): Promise<number> {
  const shell: Shell = { env, cwd: process.cwd(), terminal: streamTerminal(streams) };
  let exitCode = 0;
  const exitWith = (code: number) => {
    exitCode = code;
  };
  try {
    await createProgram(shell, { version: version(), exitWith }).parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has said what there was to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : FAILED;

    shell.terminal.note(failureSentence(error));
    await tellMore(error, env);
    return FAILED;
  }
}

/** The whole story of the error, for those who asked for it. */
async function tellMore(err: unknown, env: Environment): Promise<void> {
  const level = env.STRATA_LOG_LEVEL;
  if (level !== 'debug' && level !== 'trace') return;

  const { createLog } = await import('./core/log.ts');
  createLog({ level }).debug({ err }, 'the command failed');
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
