// What every driver of the store is held to; see src/storage/store.ts for the promises in words.
import { describe, onTestFinished } from 'vitest';
import type { RecordType } from '../../src/storage/record-type.ts';
import type { Store } from '../../src/storage/store.ts';
import type { TestClock } from '../support/test-clock.ts';
import { describeClosing } from './contract-closing.ts';
import { describeCommits } from './contract-commits.ts';
import { describeExpiry } from './contract-expiry.ts';
import { describeHostileInput } from './contract-hostile-input.ts';
import { describeLeases } from './contract-leases.ts';
import { describeLists } from './contract-lists.ts';
import { describeProcesses } from './contract-processes.ts';
import { describeRaces } from './contract-races.ts';
import { describeRounds } from './contract-rounds.ts';
import { describeSkew } from './contract-skew.ts';
import { describeUniqueness } from './contract-uniqueness.ts';
import { describeWakeUps } from './contract-wake-ups.ts';

export interface ContractOptions {
  waitingMax?: number;
  /** Other record types than those of contract-types.ts. */
  types?: readonly RecordType<object>[];
}

export interface OpenedStore {
  store: Store;
  clock: TestClock;
  /** Closes the store and opens it again; absent where nothing outlives the store. */
  reopen?: () => Promise<Store>;
  /** Where other processes find the same records; absent where they cannot. */
  address?: { url: string; dataDir: string };
  /** What the database itself finds broken in its files; absent where it cannot be asked. */
  damage?: () => string[];
  /** The database removes what has expired in its own time, and `sweep` nothing. */
  sweepsItself?: true;
  /** Commits of one moment are judged in no particular order. */
  unordered?: true;
  /** How often each race is run; 50 times unless told. */
  raceRounds?: number;
  dispose(): Promise<void>;
}

/** Opens an empty store, for the types of contract-types.ts unless told. */
export type OpenForContract = (options: ContractOptions) => Promise<OpenedStore>;

export function describeStoreContract(name: string, open: OpenForContract): void {
  async function opened(options: ContractOptions = {}): Promise<OpenedStore> {
    const harness = await open(options);
    onTestFinished(() => harness.dispose());
    return harness;
  }

  describe(`the store contract, ${name}`, () => {
    describeCommits(opened);
    describeUniqueness(opened);
    describeLists(opened);
    describeExpiry(opened);
    describeHostileInput(opened);
    describeRaces(opened);
    describeRounds(opened);
    describeSkew(opened);
    describeProcesses(opened);
    describeWakeUps(opened);
    describeLeases(opened);
    describeClosing(opened);
  });
}
