// `strata restore`: the state of a backup becomes the database's, and what must not come back with it is voided.
import { resolve } from 'node:path';
import {
  type Restored,
  type RestoreOrder,
  refuseBackup,
  restoreFile,
  restoreInPlace,
} from '../operations/restore.ts';
import type { SessionsChoice } from '../operations/voiding.ts';
import { storeFile } from '../storage/open.ts';
import { CommandError } from './failure.ts';
import type { Shell } from './shell.ts';
import type { Terminal } from './terminal.ts';
import { type ConfigOption, configOf, refuseMemory } from './workspace.ts';

export interface RestoreOptions extends ConfigOption {
  readonly sessions?: SessionsChoice | undefined;
}

const sessionsChoices = ['keep', 'end'] as const satisfies readonly SessionsChoice[];

export async function restoreCommand(
  shell: Shell,
  named: string | undefined,
  options: RestoreOptions,
): Promise<void> {
  const config = configOf(shell, options);
  refuseMemory(config);
  const { terminal } = shell;
  const database = storeFile(config.store.url, config.dataDir);
  if (database === undefined) {
    if (named !== undefined) throw new CommandError(MONGODB);
    const choice = await chosenSessions(terminal, options);
    tellVoided(terminal, await restoreInPlace(config, choice), choice);
    return;
  }

  const backup = named === undefined ? undefined : resolve(shell.cwd, named);
  refuseBackup({ config, database, backup });
  const sessions = await chosenSessions(terminal, options);
  const order: RestoreOrder = { config, database, backup, sessions, tell: (line) => terminal.note(line) };
  const restored = await restoreFile(order);
  terminal.print(
    backup === undefined
      ? `Voided what must not be used again in ${database}.`
      : `Restored ${database} from ${backup}.`,
  );
  tellVoided(terminal, restored, sessions);
  if (restored.keptAs !== undefined) {
    terminal.print(`What was there before is in ${restored.keptAs}; remove it when nobody needs it.`);
  }
}

const MONGODB =
  'MongoDB is restored by its own tools, such as mongorestore. Do that, and then run strata restore without a file.';

async function chosenSessions(
  terminal: Terminal,
  { sessions }: Pick<RestoreOptions, 'sessions'>,
): Promise<SessionsChoice> {
  if (sessions !== undefined) return sessions;
  if (!terminal.canAsk) {
    throw new CommandError(
      'Nobody is here to ask whether device sessions are kept: say --sessions keep or --sessions end.',
    );
  }

  for (const line of question) terminal.note(line);
  return terminal.choose('keep or end? ', sessionsChoices);
}

const question = [
  'What becomes of the device sessions in the backup?',
  '  keep  devices that were signed in then stay so, also those that were signed out, or whose account was locked, since',
  '  end   everybody signs in again',
];

function tellVoided(terminal: Terminal, { voided, sessions }: Restored, choice: SessionsChoice): void {
  const counts = [...voided].map(([type, count]) => `${count} ${type}`);
  terminal.print(counts.length === 0 ? 'There was nothing to void.' : `Void: ${counts.join(', ')}.`);
  terminal.print(`Device sessions that were ${choice === 'keep' ? 'kept' : 'ended'}: ${sessions}.`);
  for (const line of choice === 'keep' ? [...comeBack, ...keptOnes] : comeBack) terminal.note(line);
}

/** What an operator may have done since the backup was made, and has to do again. */
const comeBack = [
  'All else is as it was when the backup was made: passwords changed, accounts locked or removed, clients, consents',
  'and keys changed since are not. Lock and change again what you must before the server starts.',
];

const keptOnes = [
  'Sessions that were ended since the backup are live again. docs/backup.md tells what that means.',
];
