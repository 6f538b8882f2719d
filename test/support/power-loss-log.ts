// What a process did to its files and in which order, read from the log of `strace -f -y -xx`: paths and data
// are hexadecimal there, and a call during which another thread called as well is split over two lines. What
// changes files in a way that is not understood here is an error, so that no test passes by overlooking it.
import assert from 'node:assert/strict';
import { resolve, sep } from 'node:path';

/** What `strace -e trace=` is given. Memory that is shared (`-shm`) is not among it: no file is kept in it. */
export const tracedCalls = [
  'openat',
  'pwrite64',
  'write',
  'fsync',
  'fdatasync',
  'ftruncate',
  'unlink',
  'mkdir',
  // Nothing is expected to use these; who does is told that the replay would be wrong.
  'creat',
  'fallocate',
  'link',
  'linkat',
  'mkdirat',
  'pwritev',
  'pwritev2',
  'rename',
  'renameat',
  'renameat2',
  'truncate',
  'unlinkat',
  'writev',
] as const;

/** `at`: number of the log's line on which the call ended. */
export type DiskEvent = { readonly at: number } & (
  | { readonly kind: 'directory'; readonly path: string }
  /** Opened for writing; made where it was not there. */
  | { readonly kind: 'file'; readonly path: string; readonly emptied: boolean }
  | { readonly kind: 'write'; readonly path: string; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'unlink'; readonly path: string }
  /** Covers what was done to the file or directory before line `since`, on which the call began. */
  | { readonly kind: 'sync'; readonly path: string; readonly since: number }
  /** What the process wrote to the file of its answers. */
  | { readonly kind: 'said'; readonly text: string }
);

export interface Watched {
  /** Only what happens in it is told. */
  readonly directory: string;
  /** The file, somewhere else, that the process writes its answers to. */
  readonly answers: string;
}

interface Call {
  readonly name: string;
  readonly args: string;
  readonly result: number;
  readonly begunAt: number;
  readonly at: number;
}

export class SystemCallLog {
  readonly #watched: Watched;
  /** Calls that have not ended, by thread. */
  readonly #begun = new Map<string, { text: string; begunAt: number }>();
  #line = 0;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** Takes the next line; answers what it says of the watched files. */
  read(line: string): DiskEvent | undefined {
    this.#line += 1;
    const call = this.#callOf(line);
    return call && call.result >= 0 ? eventOf(call, this.#watched) : undefined;
  }

  #callOf(line: string): Call | undefined {
    const [, thread = '', text = ''] = /^(\d+) +(.*)$/s.exec(line) ?? [];
    if (text.endsWith('<unfinished ...>')) {
      const begun = text.slice(0, -'<unfinished ...>'.length);
      this.#begun.set(thread, { text: begun, begunAt: this.#line });
      return undefined;
    }

    const [, rest] = /^<\.\.\. \w+ resumed>(.*)$/s.exec(text) ?? [];
    if (rest === undefined) return this.#whole(text, this.#line);

    const begun = this.#begun.get(thread);
    assert(begun, `line ${this.#line}: a call ends that never began`);
    this.#begun.delete(thread);
    return this.#whole(begun.text + rest, begun.begunAt);
  }

  #whole(text: string, begunAt: number): Call | undefined {
    const [, name, args = '', result] = /^(\w+)\((.*)\) += (-?\d+)/s.exec(text) ?? [];
    if (name === undefined) return undefined;
    return { name, args, result: Number(result), begunAt, at: this.#line };
  }
}

function eventOf(call: Call, watched: Watched): DiskEvent | undefined {
  const { name, at } = call;
  if (name === 'openat') return opened(call, watched);
  if (name === 'mkdir' || name === 'unlink') {
    const path = stringIn(call.args).toString();
    const kind = name === 'mkdir' ? 'directory' : 'unlink';
    return isIn(watched, path) ? { kind, path, at } : undefined;
  }

  const file = fileOf(call.args);
  if (name === 'write' && file === watched.answers) {
    return { kind: 'said', text: stringIn(call.args).toString(), at };
  }
  if (file === undefined || !isIn(watched, file)) {
    assert(!mentions(call, watched), `${name} is used on the watched files and not understood`);
    return undefined;
  }
  switch (name) {
    case 'fsync':
    case 'fdatasync':
      return { kind: 'sync', path: file, since: call.begunAt, at };
    case 'ftruncate':
      return { kind: 'truncate', path: file, size: lastNumber(call.args), at };
    case 'pwrite64': {
      const bytes = stringIn(call.args).subarray(0, call.result);
      return { kind: 'write', path: file, offset: lastNumber(call.args), bytes, at };
    }
    default:
      throw new Error(`${name} is used on ${file}, and the replay does not understand it`);
  }
}

function opened({ args, at }: Call, watched: Watched): DiskEvent | undefined {
  const [, directory = '', name = '', flags = ''] =
    /^[^<]*<([^>]*)>, "([^"]*)", (\w+(?:\|\w+)*)/.exec(args) ?? [];
  const path = resolve(unhex(directory).toString(), unhex(name).toString());
  if (!isIn(watched, path) || !/O_CREAT|O_TRUNC/.test(flags)) return undefined;
  return { kind: 'file', path, emptied: flags.includes('O_TRUNC'), at };
}

/** The file of a call on a descriptor; undefined where it has no name, or has lost it. */
function fileOf(args: string): string | undefined {
  const [, path, deleted] = /^\d+<([^>]*)>(\(deleted\))?/.exec(args) ?? [];
  return path === undefined || deleted !== undefined ? undefined : unhex(path).toString();
}

function mentions({ name, args }: Call, watched: Watched): boolean {
  const byName = /^(?:creat|link|rename|truncate|unlinkat|mkdirat)/.test(name);
  return byName && args.includes(hex(watched.directory));
}

function isIn({ directory }: Watched, path: string): boolean {
  return path === directory || path.startsWith(directory + sep);
}

function stringIn(args: string): Buffer {
  const [, text, cut] = /"([^"]*)"(\.\.\.)?/.exec(args) ?? [];
  assert(text !== undefined && cut === undefined, 'the log has each string from its beginning to its end');
  return unhex(text);
}

function lastNumber(args: string): number {
  return Number(args.slice(args.lastIndexOf(',') + 1));
}

function unhex(text: string): Buffer {
  return Buffer.from(text.replaceAll('\\x', ''), 'hex');
}

/** As `strace -xx` spells it. */
export function hex(text: string | Buffer): string {
  return Buffer.from(text)
    .toString('hex')
    .replaceAll(/../g, (byte) => `\\x${byte}`);
}
