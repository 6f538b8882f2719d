// The move of a large store, there and back. STRATA_COPY_RECORDS chooses how large, and MONGODB_URI another kind of
// store to go there through.
import { expect, it, onTestFinished } from 'vitest';
import { fill, house } from '../storage/copy/copy-fixtures.ts';
import { moveUnderLoad } from '../storage/copy/moving-under-load.ts';
import { freshDatabase, mongoUri } from '../support/mongo.ts';

const { STRATA_COPY_RECORDS: size = '100000' } = process.env;
/** Half of the records of each of two types. */
const records = Number(size) / 2;

/** One copier is killed at each of these; the last one tells how long its own freeze took. */
const unsealed = ['copied', 'caught_up', 'comparing', 'frozen'] as const;

it('comes there and back under load, equal, and nothing that was answered is lost (I8)', async () => {
  const place = await house();
  await fill(place.store, records);
  const database = mongoUri() === undefined ? undefined : freshDatabase();
  onTestFinished(async () => database?.drop(), 300_000);
  const load = { dataDir: place.dataDir, records, writers: 3, pauseMs: database ? 500 : 20 };
  const elsewhere = database?.url ?? 'sqlite:elsewhere.db';

  const since = performance.now();
  const there = await moveUnderLoad({ ...load, from: place.from, to: elsewhere, kills: unsealed });
  const back = await moveUnderLoad({
    ...load,
    from: elsewhere,
    to: 'sqlite:back.db',
    kills: [...unsealed, 'sealed'],
  });

  for (const { report, books } of [there, back]) {
    expect(report.repaired).toBe(0);
    const counts = [...report.tallies].map(([type, { count }]) => `${count} ${type}`).join(', ');
    const answered = books.reduce((sum, book) => sum + book.answered, 0);
    console.log(`${counts}; ${answered} commits meanwhile; writes were refused for ${report.frozenMs} ms`);
  }
  console.log(`in ${Math.round((performance.now() - since) / 1000)} s`);
});
