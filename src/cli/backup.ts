// `strata backup`: a copy of the database as it is at this moment, beside a server that may be running on it.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { storeFile } from '../storage/open.ts';
import { type Backup, backUpDatabase } from '../storage/sqlite/backup.ts';
import { CommandError } from './failure.ts';
import type { Shell } from './shell.ts';
import { type ConfigOption, configOf, missingDatabase, refuseMemory } from './workspace.ts';

export interface BackupOptions extends ConfigOption {
  readonly force?: boolean | undefined;
}

export async function backupCommand(shell: Shell, named: string, options: BackupOptions): Promise<void> {
  const config = configOf(shell, options);
  refuseMemory(config);
  const database = storeFile(config.store.url, config.dataDir);
  if (database === undefined) throw new CommandError(MONGODB);
  if (!existsSync(database)) throw missingDatabase(database);

  const file = resolve(shell.cwd, named);
  const backup = backUpDatabase({ database, file, overwrite: options.force === true });
  shell.terminal.print(`Backed up ${database} to ${file}: ${sizeOf(backup)}.`);
  for (const [type, count] of backup.records) {
    if (count > 0) shell.terminal.print(`  ${String(count).padStart(9)} ${type}`);
  }
  shell.terminal.note(
    'The master secret is not in it, and without that secret the backup is worth nothing: keep it, and keep it apart.',
  );
}

const MONGODB =
  'MongoDB is backed up by its own tools, such as mongodump. After restoring with those, stop every server and run strata restore without a file.';

function sizeOf({ bytes, records }: Backup): string {
  const count = [...records.values()].reduce((sum, each) => sum + each, 0);
  return `${count} records, ${bytes} bytes`;
}
