import { describe, expect, it } from 'vitest';
import { type DiskEvent, hex, SystemCallLog } from './power-loss-log.ts';

const watched = { directory: '/data', answers: '/answers' };

describe('SystemCallLog', () => {
  it('tells what was done to the watched files, in its order', () => {
    const events = eventsOf(
      `7 mkdir("${hex('/data/new')}", 0700) = 0`,
      `7 openat(AT_FDCWD<${hex('/somewhere')}>, "${hex('/data/a')}", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = 21<${hex('/data/a')}>`,
      `7 pwrite64(21<${hex('/data/a')}>, "${hex('abcd')}", 4, 4096) = 4`,
      `7 fdatasync(21<${hex('/data/a')}>)        = 0`,
      `7 write(30<${hex('/answers')}>, "${hex('"done"\n')}", 7) = 7`,
      `7 ftruncate(21<${hex('/data/a')}>, 2) = 0`,
      `7 openat(AT_FDCWD<${hex('/data')}>, "${hex('a')}", O_WRONLY|O_TRUNC) = 22<${hex('/data/a')}>`,
      `7 unlink("${hex('/data/a')}") = 0`,
      '7 +++ exited with 0 +++',
    );

    expect(events).toEqual([
      { kind: 'directory', path: '/data/new', at: 1 },
      { kind: 'file', path: '/data/a', emptied: false, at: 2 },
      { kind: 'write', path: '/data/a', offset: 4096, bytes: Buffer.from('abcd'), at: 3 },
      { kind: 'sync', path: '/data/a', since: 4, at: 4 },
      { kind: 'said', text: '"done"\n', at: 5 },
      { kind: 'truncate', path: '/data/a', size: 2, at: 6 },
      { kind: 'file', path: '/data/a', emptied: true, at: 7 },
      { kind: 'unlink', path: '/data/a', at: 8 },
    ]);
  });

  it('lets a call begin on the line where it began and end where it ended', () => {
    const events = eventsOf(
      `7 fsync(21<${hex('/data/a')}> <unfinished ...>`,
      `8 pwrite64(21<${hex('/data/a')}>, "${hex('ab')}", 2, 0 <unfinished ...>`,
      '7 <... fsync resumed>) = 0',
      '8 <... pwrite64 resumed>) = 2',
    );

    expect(events).toEqual([
      { kind: 'sync', path: '/data/a', since: 1, at: 3 },
      { kind: 'write', path: '/data/a', offset: 0, bytes: Buffer.from('ab'), at: 4 },
    ]);
  });

  it('takes as many bytes as the system has taken', () => {
    const [event] = eventsOf(`7 pwrite64(21<${hex('/data/a')}>, "${hex('abcd')}", 4, 0) = 3`);

    expect(event).toMatchObject({ bytes: Buffer.from('abc') });
  });

  it.each([
    ['a call that failed', `7 unlink("${hex('/data/a')}") = -1 ENOENT (No such file or directory)`],
    ['another file', `7 pwrite64(21<${hex('/database/a')}>, "${hex('ab')}", 2, 0) = 2`],
    ['a file that has lost its name', `7 pwrite64(21<${hex('/data/a')}>(deleted), "${hex('ab')}", 2, 0) = 2`],
    ['reading', `7 openat(AT_FDCWD<${hex('/')}>, "${hex('/data/a')}", O_RDONLY) = 21<${hex('/data/a')}>`],
    ['a message between threads', `7 write(9<anon_inode:[eventfd]>, "${hex('1')}", 8) = 8`],
    ['a signal', '7 --- SIGCHLD {si_signo=SIGCHLD} ---'],
  ])('leaves out %s', (_, line) => {
    expect(eventsOf(line)).toEqual([]);
  });

  it.each([
    ['a write that says no place', `7 write(21<${hex('/data/a')}>, "${hex('ab')}", 2) = 2`, 'write is used'],
    ['a list of writes', `7 pwritev(21<${hex('/data/a')}>, [], 0, 0) = 0`, 'pwritev is used'],
    ['a new name', `7 rename("${hex('/data/a')}", "${hex('/data/b')}") = 0`, 'rename is used'],
    ['data that was cut', `7 pwrite64(21<${hex('/data/a')}>, "${hex('ab')}"..., 9, 0) = 9`, 'to its end'],
    ['an end without a beginning', '7 <... fsync resumed>) = 0', 'never began'],
  ])('refuses %s', (_, line, complaint) => {
    expect(() => eventsOf(line)).toThrow(complaint);
  });
});

function eventsOf(...lines: string[]): DiskEvent[] {
  const log = new SystemCallLog(watched);
  return lines.map((line) => log.read(line)).filter((event) => event !== undefined);
}
