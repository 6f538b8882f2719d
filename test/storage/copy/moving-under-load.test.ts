import { expect, it } from 'vitest';
import { house } from './copy-fixtures.ts';
import { moveUnderLoad } from './moving-under-load.ts';

it('loses no answered commit of other processes, though its copier is killed (I8)', async () => {
  const { from, to, dataDir } = await house(2_000);

  const { report, books } = await moveUnderLoad({
    from,
    to,
    dataDir,
    records: 2_000,
    writers: 2,
    pauseMs: 10,
    kills: ['copied', 'frozen', 'sealed'],
  });

  expect(report.repaired).toBe(0);
  // The freeze of the copier that was killed in it, and the one that was for good.
  for (const { refused } of books) expect(refused).toBeGreaterThan(0);
}, 120_000);
