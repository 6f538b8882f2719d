// What a command knows of the place it runs in: handed down from the entrance, so that commands can be run
// in tests without a process of their own.
import type { Environment } from '../config/environment.ts';
import type { Terminal } from './terminal.ts';

export interface Shell {
  readonly env: Environment;
  /** Directory that relative paths start from. */
  readonly cwd: string;
  readonly terminal: Terminal;
}
