import { describe, expect, it } from 'vitest';
import {
  broomTime,
  type ClaimDocument,
  type RecordDocument,
  uniqueValues,
} from '../../../src/storage/mongo/kind.ts';
import { claimKey, recordKey } from '../../../src/storage/mongo/record-key.ts';
import { recordType } from '../../../src/storage/record-type.ts';
import { disagreements } from './claim-agreement.ts';

type Thing = { name?: string; until?: number };

const things = recordType<Thing>('thing', { unique: ['name'], expiresAt: 'until' });
const NOW = Date.UTC(2026, 0, 1);
const LATER = NOW + 3_600_000;
const LONG_AGO = NOW - 3_600_000;

function record(id: string, body: Thing): RecordDocument {
  const x = broomTime(things, body);
  return { _id: recordKey(things, id), k: 'thing', i: id, b: body, ...(x && { x }) };
}

/** As the commit that makes the record makes it. */
function claim(id: string, body: Thing): ClaimDocument {
  const x = broomTime(things, body);
  const [[field, value] = ['', '']] = uniqueValues(things, body);
  return { _id: claimKey(things, field, value), r: recordKey(things, id), ...(x && { x }) };
}

const found = (records: RecordDocument[], claims: ClaimDocument[]) =>
  disagreements({ records, claims }, { types: [things], now: NOW });

describe('claims and records', () => {
  it.each<[string, RecordDocument[], ClaimDocument[]]>([
    ['there is nothing', [], []],
    ['each has its counterpart', [record('a', { name: 'x' })], [claim('a', { name: 'x' })]],
    [
      'both end together',
      [record('a', { name: 'x', until: LATER })],
      [claim('a', { name: 'x', until: LATER })],
    ],
    ['a record has no unique value', [record('a', {})], []],
    ['what has expired was swept but for the record', [record('a', { name: 'x', until: LONG_AGO })], []],
    ['what has expired was swept but for the claim', [], [claim('a', { name: 'x', until: LONG_AGO })]],
    [
      'a value was taken over from a record that has expired',
      [record('a', { name: 'x', until: LONG_AGO }), record('b', { name: 'x' })],
      [claim('b', { name: 'x' })],
    ],
  ])('agree where %s', (_what, records, claims) => {
    expect(found(records, claims)).toEqual([]);
  });

  it.each<[string, RecordDocument[], ClaimDocument[], string[]]>([
    ['a record has no claim', [record('a', { name: 'x' })], [], ['name of thing a is not claimed for it']],
    [
      'the claim is in the name of another',
      [record('a', { name: 'x' }), record('b', { name: 'x' })],
      [claim('a', { name: 'x' })],
      ['name of thing b is not claimed for it'],
    ],
    [
      'the claim ends before the record',
      [record('a', { name: 'x', until: LATER })],
      [claim('a', { name: 'x', until: NOW })],
      ['name of thing a is claimed until another time'],
    ],
    ['a claim has no record', [], [claim('a', { name: 'x' })], [stray('x')]],
    ['a claim that ends later has none', [], [claim('a', { name: 'x', until: LATER })], [stray('x')]],
    [
      'the record has another value by now',
      [record('a', { name: 'y' })],
      [claim('a', { name: 'x' }), claim('a', { name: 'y' })],
      [stray('x')],
    ],
  ])('disagree where %s', (_what, records, claims, complaints) => {
    expect(found(records, claims)).toEqual(complaints);
  });

  it('are not judged by a type that nobody knows', () => {
    const unknown = { ...record('a', { name: 'x' }), k: 'other' };
    expect(() => found([unknown], [])).toThrow('no type has the name other');
  });
});

function stray(name: string): string {
  const key = claimKey(things, 'name', name).toString('hex');
  return `the claim ${key} is on a value that its record does not have`;
}
