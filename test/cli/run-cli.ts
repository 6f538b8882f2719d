// Commands as somebody types them: in this process where what they print and change matters, as a child where
// the process itself does (its exit code, its signals).
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { main } from '../../src/main.ts';
import { freePort } from '../support/free-port.ts';

export interface Ran {
  code: number | null;
  out: string;
  err: string;
}

export interface Place {
  /** Holds the settings; the data directory is `data` in it, and not there yet. */
  directory: string;
  env: Record<'STRATA_TEST' | 'STRATA_CONFIG' | 'STRATA_DATA_DIR', string>;
  /** Runs a command in this process. */
  run(argv: readonly string[], options?: RunOptions): Promise<Ran>;
  write(name: string, content: string | object): Promise<string>;
}

export interface RunOptions {
  env?: Record<string, string>;
  /** What is piped in, or typed where `typed` is set. */
  input?: string;
  /** Somebody sits there. */
  typed?: boolean;
}

const bin = fileURLToPath(new URL('../../bin/strata.js', import.meta.url));

/** An empty place with settings of its own, gone after the test. */
export async function emptyPlace(settings = ''): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'strata-cli-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const write = async (name: string, content: string | object) => {
    const file = join(directory, name);
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };
  const common = 'profile: development\npasswords: { testCost: true }\n';
  const env = {
    STRATA_TEST: '1',
    STRATA_CONFIG: await write('strata.yaml', `${common}${settings}`),
    STRATA_DATA_DIR: join(directory, 'data'),
  };
  return { directory, env, write, run: (argv, options) => runCli(argv, env, options) };
}

async function runCli(
  argv: readonly string[],
  env: Record<string, string>,
  options: RunOptions = {},
): Promise<Ran> {
  const stdin = Object.assign(new PassThrough(), { isTTY: options.typed === true });
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  if (options.typed) stdin.write(options.input ?? '');
  else stdin.end(options.input ?? '');
  const printed = Promise.all([text(stdout), text(stderr)]);
  const code = await main(argv, { ...env, ...options.env }, { stdin, stdout, stderr });
  stdout.end();
  stderr.end();
  const [out, err] = await printed;
  return { code, out, err };
}

export interface Running {
  origin: string;
  child: ChildProcess;
  /** Everything it has printed so far. */
  out(): string;
  err(): string;
  /** Resolves when the address answers 200. */
  ready(): Promise<void>;
  exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** `strata serve` as a process of its own; killed after the test, if it lives still. */
export async function serve(place: Place, options: { env?: Record<string, string> } = {}): Promise<Running> {
  const port = Number(options.env?.PORT ?? (await freePort()));
  const origin = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [bin, 'serve'], {
    env: { ...process.env, ...place.env, PORT: String(port), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = { out: '', err: '' };
  child.stdout?.on('data', (chunk) => {
    printed.out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    printed.err += chunk;
  });
  const exit = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  onTestFinished(() => {
    child.kill('SIGKILL');
  });

  async function ready(): Promise<void> {
    while (child.exitCode === null && child.signalCode === null) {
      if (printed.out.includes('Strata is ready')) return;
      await Promise.race([once(child.stdout ?? child, 'data'), exit]);
    }
    throw new Error(`the server did not come up:\n${printed.err}`);
  }

  return { origin, child, out: () => printed.out, err: () => printed.err, ready, exit };
}
