import { expect, it, onTestFinished } from 'vitest';
import { describeMongo, freshDatabase } from '../../support/mongo.ts';
import { house } from '../copy/copy-fixtures.ts';
import { moveUnderLoad } from '../copy/moving-under-load.ts';

describeMongo('moving house', () => {
  it('from SQLite to MongoDB and back loses no answered commit, though copiers are killed (I8)', async () => {
    const { from, dataDir } = await house(150);
    const database = freshDatabase();
    onTestFinished(() => database.drop(), 120_000);
    const common = { dataDir, records: 150, writers: 1, pauseMs: 200 };

    const there = await moveUnderLoad({
      ...common,
      from,
      to: database.url,
      kills: ['comparing'],
    });
    expect(there.report.repaired).toBe(0);

    const back = await moveUnderLoad({
      ...common,
      from: database.url,
      to: 'sqlite:back.db',
      kills: ['copied', 'frozen'],
    });
    expect(back.report.repaired).toBe(0);
    for (const { refused } of back.books) expect(refused).toBeGreaterThan(0);
  }, 240_000);
});
