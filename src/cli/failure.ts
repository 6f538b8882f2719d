// What went wrong, in one sentence for whoever typed the command. A stack trace helps nobody who has not
// written the program; who has gets it in the log at level debug.
import { ConfigurationError } from '../config/complaints.ts';
import { DomainError } from '../core/errors.ts';

/** A refusal that is the command's own. The message is a whole sentence, or several lines of them. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** The sentence for an error that was to be reckoned with; undefined for all others. */
export function expectedFailure(error: unknown): string | undefined {
  if (error instanceof CommandError || error instanceof ConfigurationError) return error.message;
  if (error instanceof DomainError) return asSentence(error.detail ?? error.code.replaceAll('_', ' '));
  return error instanceof Error ? systemFailure(error) : undefined;
}

/** The sentence for any error. */
export function failureSentence(error: unknown): string {
  const expected = expectedFailure(error);
  if (expected !== undefined) return expected;

  const what = error instanceof Error ? error.message : String(error);
  return `Something failed that never should: ${firstLine(what)}. STRATA_LOG_LEVEL=debug tells more.`;
}

function systemFailure(error: Error): string | undefined {
  const { code, syscall, address, port, path } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  if (syscall === 'listen' && address !== undefined) return listenFailure(String(code), { address, port });
  if (path === undefined || code === undefined) return undefined;
  return asSentence(`${path} cannot be used: ${fileReasons[code] ?? `the system says ${code}`}`);
}

function listenFailure(code: string, { address, port }: { address: string; port?: number | undefined }) {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${address} is taken: stop what listens there, or set PORT to another one.`;
    case 'EACCES':
      return `This user may not listen on port ${port}: set PORT to one above 1023.`;
    case 'EADDRNOTAVAIL':
      return `This machine does not have the address ${address}: set STRATA_HOST to one that it has.`;
    default:
      return `The server cannot listen on ${address}: the system says ${code}.`;
  }
}

const fileReasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not',
  EPERM: 'this user may not',
  EISDIR: 'it is a directory',
  ENOENT: 'there is no such file',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a file stands where its path wants a directory',
  EROFS: 'the file system is read-only',
};

function asSentence(words: string): string {
  const sentence = `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').replace(/\.$/, '');
}
