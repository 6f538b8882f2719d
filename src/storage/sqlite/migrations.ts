// What a release changes in a file beyond the tables and indexes of records, which follow from their
// declarations (schema.ts). Each step leads from one version of the schema to the next and runs once for each
// file, new ones too, before the records' tables are looked at. Steps are never changed once they were released.
//
// A step may not disturb processes of the release before that still have the file open: they go on reading and
// writing. One of them that opens it afterwards refuses it.
import { createWakeUps } from './wake-up-table.ts';

/** Version 1 was the tables of the records alone. */
const FIRST_VERSION = 1;

/** SQL, in order: the first leads from version 1 to version 2. */
const steps: readonly string[] = [createWakeUps];

export const SCHEMA_VERSION = FIRST_VERSION + steps.length;

/** What a file of this version, 0 if it is new, still has to go through. */
export function stepsFrom(version: number): readonly string[] {
  return steps.slice(Math.max(version - FIRST_VERSION, 0));
}
