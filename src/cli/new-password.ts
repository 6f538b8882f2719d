// Where a new password comes from: never from the command line, which every user of the machine can read in
// the list of processes and which shells write down.
import { randomCode } from '../core/secrets.ts';
import { CommandError } from './failure.ts';
import type { Terminal } from './terminal.ts';

export interface PasswordSource {
  /** Make one and show it. */
  readonly generate?: boolean | undefined;
  /** Read one line from standard input. */
  readonly stdin?: boolean | undefined;
}

export interface NewPassword {
  readonly password: string;
  /** Nobody knows it yet but the program. */
  readonly isGenerated: boolean;
}

const INPUT_BYTES_MAX = 4_096;
/** No characters that are taken for each other when they are read out. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';
const GROUPS = 4;
const GROUP_LENGTH = 5;

export async function newPassword(terminal: Terminal, source: PasswordSource): Promise<NewPassword> {
  if (source.generate && source.stdin) {
    throw new CommandError('Choose one of --generate-password and --password-stdin.');
  }
  if (source.generate) return { password: generatedPassword(), isGenerated: true };
  if (source.stdin) return { password: await readPassword(terminal), isGenerated: false };
  if (terminal.canAsk) return { password: await askPassword(terminal), isGenerated: false };

  throw new CommandError(
    'Nobody is here to ask for the password: use --generate-password, or pipe it in with --password-stdin.',
  );
}

/** 100 random bits. */
function generatedPassword(): string {
  return Array.from({ length: GROUPS }, () => randomCode(ALPHABET, GROUP_LENGTH)).join('-');
}

async function readPassword(terminal: Terminal): Promise<string> {
  const password = (await terminal.readInput(INPUT_BYTES_MAX)).replace(/\r?\n$/, '');
  if (/[\r\n]/.test(password)) throw new CommandError('The password on standard input must be one line.');
  return password;
}

async function askPassword(terminal: Terminal): Promise<string> {
  const [password = '', again] = await terminal.askSecrets(['Password: ', 'Again: ']);
  if (again !== password) throw new CommandError('The two passwords differ.');
  return password;
}
