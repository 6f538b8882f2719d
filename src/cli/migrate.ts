// `strata migrate`: prepares the database for this release. The servers of the release before may go on
// meanwhile; those of this one start only afterwards.
import { recordTypes } from '../records.ts';
import { migrateStore } from '../storage/open.ts';
import type { Shell } from './shell.ts';
import { type ConfigOption, configOf, refuseMemory } from './workspace.ts';

export async function migrateCommand(
  shell: Shell,
  options: ConfigOption & { dropUnused?: boolean | undefined },
): Promise<void> {
  const config = configOf(shell, options);
  refuseMemory(config);

  const { done, unused } = await migrateStore({
    url: config.store.url,
    dataDir: config.dataDir,
    types: recordTypes,
    dropUnused: options.dropUnused === true,
  });
  for (const sentence of done) shell.terminal.print(sentence);
  for (const what of unused) shell.terminal.note(`This release has no use for ${what}.`);
  if (unused.length > 0) {
    shell.terminal.note(
      'Once no server of an older release runs, strata migrate --drop-unused drops what is of no use.',
    );
  }
}
