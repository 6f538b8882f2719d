// Where commands print and ask. What was asked for goes to standard output, everything that goes with it
// (hints, questions, refusals) to standard error, so that output can be piped on.
import type { Readable } from 'node:stream';
import { Writable } from 'node:stream';
import { CommandError } from './failure.ts';

export interface Terminal {
  /** One line of what was asked for. */
  print(line: string): void;
  /** One line that goes with it. */
  note(line: string): void;
  /** Whether somebody sits there who can be asked. */
  readonly canAsk: boolean;
  /** Asks until one of the answers is entered, thrice at most. Throws `CommandError` where none comes. */
  choose<Answer extends string>(question: string, answers: readonly Answer[]): Promise<Answer>;
  /** Asks for lines that are not shown while they are typed. Throws `CommandError` where no answer comes. */
  askSecrets(questions: readonly string[]): Promise<string[]>;
  /** All of standard input as text. Throws `CommandError` where it is longer than `bytesMax`. */
  readInput(bytesMax: number): Promise<string>;
}

const TRIES_MAX = 3;

/** The streams of a process, or of a test. */
export interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable;
}

export function streamTerminal({ stdin, stdout, stderr }: Streams): Terminal {
  stdout.on('error', ignoreGoneReader);
  stderr.on('error', ignoreGoneReader);

  return {
    print: (line) => void stdout.write(`${line}\n`),
    note: (line) => void stderr.write(`${line}\n`),
    canAsk: stdin.isTTY === true,
    choose: (question, answers) => chosenAnswer({ stdin, stderr }, { question, answers }),
    askSecrets: (questions) => hiddenAnswers({ stdin, stderr }, questions),
    readInput: (bytesMax) => wholeOf(stdin, bytesMax),
  };
}

/** `strata accounts list | head -1` closes our output: no failure, only the end of interest. */
function ignoreGoneReader(error: Error): void {
  if (!('code' in error && error.code === 'EPIPE')) throw error;
}

async function chosenAnswer<Answer extends string>(
  { stdin, stderr }: Pick<Streams, 'stdin' | 'stderr'>,
  { question, answers }: { question: string; answers: readonly Answer[] },
): Promise<Answer> {
  const { createInterface } = await import('node:readline');
  const typed = createInterface({ input: stdin, output: stderr, terminal: true, historySize: 0 });
  typed.once('SIGINT', () => typed.close());
  const lines = typed[Symbol.asyncIterator]();
  typed.setPrompt(question);
  try {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      typed.prompt();
      const line = await lines.next();
      if (line.done) throw nothingEntered();
      const entered = line.value.trim().toLowerCase();
      const answer = answers.find((each) => each === entered);
      if (answer !== undefined) return answer;
    }
    throw new CommandError(`Neither ${answers.join(' nor ')} was entered, and nothing was changed.`);
  } finally {
    typed.close();
  }
}

/** Readline switches the terminal's own echo off, and writes its picture of the line into nothing. */
async function hiddenAnswers(
  { stdin, stderr }: Pick<Streams, 'stdin' | 'stderr'>,
  questions: readonly string[],
): Promise<string[]> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const { createInterface } = await import('node:readline');
  const typed = createInterface({ input: stdin, output: nowhere, terminal: true, historySize: 0 });
  typed.once('SIGINT', () => typed.close());
  const lines = typed[Symbol.asyncIterator]();
  const answers: string[] = [];
  try {
    for (const question of questions) {
      stderr.write(question);
      const line = await lines.next();
      stderr.write('\n');
      if (line.done) throw nothingEntered();
      answers.push(line.value);
    }
    return answers;
  } finally {
    typed.close();
  }
}

function nothingEntered(): CommandError {
  return new CommandError('Nothing was entered, and nothing was changed.');
}

async function wholeOf(stdin: Readable, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes > bytesMax) throw new CommandError(`Standard input is longer than ${bytesMax} bytes.`);
  }
  return Buffer.concat(chunks).toString('utf8');
}
