// How a write fails in a file that is frozen because it is being moved (change-log.ts).

export const FROZEN_MESSAGE = 'strata: the store is being moved';

/** SQLITE_CONSTRAINT_TRIGGER */
const RAISED = 1811;

export function isFrozen(error: unknown): boolean {
  const isOurs = error instanceof Error && 'errcode' in error && error.errcode === RAISED;
  return isOurs && error.message === FROZEN_MESSAGE;
}
