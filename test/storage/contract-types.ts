// The record types of the contract suite. Without vitest, so that child processes can use them too.
import { leases } from '../../src/storage/lease.ts';
import { recordType } from '../../src/storage/record-type.ts';

export interface Thing {
  login?: string;
  email?: string;
  group?: string;
  owner?: string;
  rank?: number;
  until?: number;
  state?: string | null;
  count?: number;
  tags?: string[];
  nested?: { [key: string]: unknown };
}

/** Uses all that a record type can declare. */
export const things = recordType<Thing>('thing', {
  unique: ['login', 'email'],
  indexes: { group: { field: 'group', orderBy: 'rank' }, owner: { field: 'owner' } },
  expiresAt: 'until',
});

/** Declares nothing, and is named by a word of SQL. */
export const notes = recordType<Record<string, unknown>>('order');

export const contractTypes = [things, notes, leases];
