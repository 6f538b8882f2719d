// Where the commands beside `serve` work: on the store of the configuration, opened next to a server that may
// be running on it. None of them starts one.
import { existsSync } from 'node:fs';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { type Foundation, openFoundation } from '../foundation.ts';
import { isInMemory, storeFile } from '../storage/open.ts';
import { CommandError } from './failure.ts';
import type { Shell } from './shell.ts';

export interface Workspace extends Foundation {
  readonly config: Config;
}

/** What every command can be told. */
export interface ConfigOption {
  /** `--config`. */
  readonly config?: string | undefined;
}

export interface WorkspaceOptions {
  readonly config: Config;
  /** `new`: the command may be the first one ever. `there`: without a database there is nothing to do. */
  readonly database: 'new' | 'there';
}

export function configOf({ env, cwd }: Shell, { config: file }: ConfigOption): Config {
  return loadConfig({ env, cwd, ...(file !== undefined && { file }) });
}

/** Runs `work` on the open store, and closes it whatever comes of it. */
export async function inWorkspace<Result>(
  shell: Shell,
  { config, database }: WorkspaceOptions,
  work: (workspace: Workspace) => Promise<Result>,
): Promise<Result> {
  refuseMemory(config);
  const file = storeFile(config.store.url, config.dataDir);
  const isNew = file !== undefined && !existsSync(file);
  if (isNew && database === 'there') throw missingDatabase(file);

  const foundation = await openFoundation(config);
  if (isNew) shell.terminal.note(`Made a new database at ${file}.`);
  try {
    return await work({ ...foundation, config });
  } finally {
    await foundation.close();
  }
}

export function refuseMemory({ store }: Config): void {
  if (isInMemory(store.url)) {
    throw new CommandError('The store is in memory, where only the server reaches it.');
  }
}

/** Somebody in the wrong directory would otherwise work on an empty database and wonder. */
export function missingDatabase(file: string): CommandError {
  return new CommandError(
    `There is no database at ${file}: check --config, STRATA_DATA_DIR and the directory that you are in.`,
  );
}
