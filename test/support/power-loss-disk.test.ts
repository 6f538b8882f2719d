import { describe, expect, it } from 'vitest';
import { type Luck, SimulatedDisk } from './power-loss-disk.ts';
import type { DiskEvent } from './power-loss-log.ts';
import { seededRandom } from './seeded-random.ts';

const nothing: Luck = { share: 0, random: () => 0 };
const everything: Luck = { share: 1, random: () => 0 };

const made = (path: string, at = 0): DiskEvent => ({ kind: 'file', path, emptied: false, at });
const emptied = (path: string, at = 0): DiskEvent => ({ kind: 'file', path, emptied: true, at });
const directory = (path: string, at = 0): DiskEvent => ({ kind: 'directory', path, at });
const unlinked = (path: string, at = 0): DiskEvent => ({ kind: 'unlink', path, at });
const truncated = (path: string, size: number, at = 0): DiskEvent => ({ kind: 'truncate', path, size, at });
const synced = (path: string, since = 1, at = since): DiskEvent => ({ kind: 'sync', path, since, at });
const written = (path: string, text: string, offset = 0, at = 0): DiskEvent => ({
  kind: 'write',
  path,
  offset,
  bytes: Buffer.from(text),
  at,
});
/** A file that is safe with what it holds. */
const safe = (path: string, text: string): DiskEvent[] => [
  made(path),
  written(path, text),
  synced(path),
  synced('/'),
];

describe('SimulatedDisk', () => {
  it('keeps what was synced, under a name that was', () => {
    expect(left(safe('/a', 'kept'), nothing)).toEqual({ '/a': 'kept' });
  });

  it('keeps no byte that was written since', () => {
    const events = [...safe('/a', 'kept'), written('/a', 'lost and longer')];

    expect(left(events, nothing)).toEqual({ '/a': 'kept' });
    expect(left(events, everything)).toEqual({ '/a': 'lost and longer' });
  });

  it('does not count a write that ended while the sync was going on', () => {
    const events = [...safe('/a', 'kept'), written('/a', 'late', 0, 7), synced('/a', 6, 8)];

    expect(left(events, nothing)).toEqual({ '/a': 'kept' });
    expect(left([...events, synced('/a', 9)], nothing)).toEqual({ '/a': 'late' });
  });

  it('forgets a file whose directory was not synced', () => {
    const events = [made('/a'), written('/a', 'there'), synced('/a')];

    expect(left(events, nothing)).toEqual({});
    expect(left(events, everything)).toEqual({ '/a': 'there' });
  });

  it('forgets all that is in a directory whose own name was not synced', () => {
    const events = [directory('/d'), made('/d/a'), written('/d/a', 'in'), synced('/d/a'), synced('/d')];

    expect(left(events, nothing)).toEqual({});
    expect(left([...events, synced('/', 2)], nothing)).toEqual({ '/d/a': 'in' });
  });

  it('brings back a file whose removal was not synced', () => {
    const events = [...safe('/a', 'old'), unlinked('/a', 2)];

    expect(left(events, nothing)).toEqual({ '/a': 'old' });
    expect(left(events, everything)).toEqual({});
    expect(left([...events, synced('/', 3)], nothing)).toEqual({});
  });

  it('does not take a new file for the old one of its name', () => {
    const events = [
      ...safe('/a', 'old'),
      unlinked('/a', 2),
      made('/a', 2),
      written('/a', 'new'),
      synced('/a'),
    ];

    expect(left(events, nothing)).toEqual({ '/a': 'old' });
    expect(left([...events, synced('/', 3)], nothing)).toEqual({ '/a': 'new' });
  });

  it.each([
    ['shorter', truncated('/a', 2), 'ke'],
    ['longer, by zeros', truncated('/a', 6), 'kept\0\0'],
    ['empty', emptied('/a'), ''],
  ])('makes a file %s once that was synced', (_, change, text) => {
    const events = [...safe('/a', 'kept'), change];

    expect(left(events, nothing)).toEqual({ '/a': 'kept' });
    expect(left([...events, synced('/a')], nothing)).toEqual({ '/a': text });
  });

  it('has zeros again where a file was cut and grew', () => {
    const events = [...safe('/a', 'kept'), truncated('/a', 1), written('/a', '!', 4), synced('/a')];

    expect(left(events, nothing)).toEqual({ '/a': 'k\0\0\0!' });
  });

  it('keeps any sectors of what was not synced, each as a whole', () => {
    const sector = 512;
    const events = [...safe('/a', 'o'.repeat(4 * sector)), written('/a', 'n'.repeat(3 * sector), sector / 2)];
    const random = seededRandom(1);
    const images = Array.from({ length: 100 }, () => left(events, { share: 0.5, random })['/a'] ?? '');

    // The write begins and ends in the middle of a sector, so it touches four.
    expect(new Set(images.map((image) => image.length))).toEqual(new Set([4 * sector]));
    expect(new Set(images)).toHaveLength(2 ** 4);
    for (const image of images) expect(image).toMatch(/^o{256}(o|n){256}(o{512}|n{512}){2}(o|n){256}o{256}$/);
  });

  it('keeps a first part of the names that were not synced', () => {
    const events = ['/a', '/b', '/c'].flatMap((path) => [made(path), written(path, 'x'), synced(path)]);
    const random = seededRandom(1);
    const images = Array.from({ length: 50 }, () =>
      Object.keys(left(events, { share: 0.5, random })).join(''),
    );

    expect(new Set(images)).toEqual(new Set(['', '/a', '/a/b', '/a/b/c']));
  });

  it('refuses a change of a file that was never opened', () => {
    expect(() => left([written('/a', 'x')], nothing)).toThrow('never opened');
  });
});

function left(events: readonly DiskEvent[], luck: Luck): Record<string, string> {
  const disk = new SimulatedDisk('/');
  for (const event of events) disk.apply(event);
  return Object.fromEntries([...disk.afterPowerLoss(luck)].map(([path, bytes]) => [path, bytes.toString()]));
}
