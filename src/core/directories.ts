// Making directories. Node's own recursive way never returns where the system refuses a new directory in an
// existing one with ENOENT, as /proc does; this one asks once for each step.
import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes a directory, and those above it that are missing, for their owner alone. One that is there stays. */
export function makePrivateDirectory(path: string): void {
  try {
    makeOne(path);
  } catch (error) {
    const above = dirname(path);
    if (!isCode(error, 'ENOENT') || above === path) throw error;
    makePrivateDirectory(above);
    makeOne(path);
  }
}

function makeOne(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!isCode(error, 'EEXIST') || !isDirectory(path)) throw error;
    return;
  }
  syncDirectory(dirname(path));
}

/**
 * A new name survives a power loss, with all that will be under it, once the directory that holds it is
 * synced (I8). Where a system cannot do that (Windows), or lets us write there and not read, it keeps its own
 * promises; SQLite goes about its files in the same way.
 */
export function syncDirectory(path: string): void {
  try {
    const directory = openSync(path, 'r');
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  } catch {
    // Nothing that the caller could do better.
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
