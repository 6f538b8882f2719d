// What callers at once want of one record in one round; exactly one may have it (I2). Without vitest, so that child
// processes can use it too.
import { insert, patch, remove, type Write } from '../../src/storage/store.ts';
import { things } from './contract-types.ts';

export interface Race {
  what: string;
  prepare(round: number): Write;
  attempt(round: number, caller: number): Write;
}

export const races: readonly Race[] = [
  {
    what: 'insert one id',
    prepare: (round) => insert(things, `before-${round}`, {}),
    attempt: (round, caller) => insert(things, `r${round}`, { rank: caller }),
  },
  {
    what: 'take one unique value',
    prepare: (round) => insert(things, `before-${round}`, {}),
    attempt: (round, caller) =>
      insert(things, `r${round}-${caller}`, { login: `name-${round}`, rank: caller }),
  },
  {
    what: 'patch one state',
    prepare: (round) => insert(things, `r${round}`, { state: 'pending' }),
    attempt: (round, caller) =>
      patch(things, `r${round}`, {
        when: [{ path: ['state'], is: 'pending' }],
        set: [
          [['state'], 'taken'],
          [['rank'], caller],
        ],
      }),
  },
  {
    what: 'remove one record',
    prepare: (round) => insert(things, `r${round}`, { state: 'pending' }),
    attempt: (round) => remove(things, `r${round}`, [{ path: ['state'], is: 'pending' }]),
  },
];

/** The races take turns. */
export function raceOf(round: number): Race {
  const race = races[round % races.length];
  if (race === undefined) throw new Error('there are no races');
  return race;
}
