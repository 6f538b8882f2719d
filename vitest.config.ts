import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Password hashes of minimal cost are accepted only with it.
    env: { STRATA_TEST: '1' },
    // Two cores: more workers only wait for each other.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'main',
          include: ['test/**/*.test.ts'],
          exclude: ['test/browser/matrix/**', 'test/long/**', 'test/packed/**'],
          // Those that need a MongoDB are skipped here, whatever is set: the project below has them.
          env: { MONGODB_URI: '', REQUIRE_MONGODB: '' },
          globalSetup: ['test/support/mongo-note.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'mongodb',
          include: ['test/storage/mongo*.test.ts', 'test/storage/mongo/**/*.test.ts'],
          globalSetup: ['test/support/mongo-standin.ts'],
          // A server has one list of failures to make on request, for all who ask for some.
          fileParallelism: false,
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'flows-mongodb',
          include: ['test/flows/**/*.test.ts'],
          // Backups are files, and other databases have tools of their own for them. Lost answers happen above the
          // drivers, and the walk through all of them takes long on a database behind a network.
          exclude: [
            'test/flows/restore-drill.test.ts',
            'test/flows/crash.test.ts',
            'test/flows/lost-answers.test.ts',
          ],
          env: { STRATA_TEST_STORE: 'mongodb' },
          globalSetup: ['test/support/mongo-standin.ts'],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'matrix',
          include: ['test/browser/matrix/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: { name: 'long', include: ['test/long/**/*.test.ts'], testTimeout: 3_600_000 },
      },
      {
        extends: true,
        test: { name: 'packed', include: ['test/packed/**/*.test.ts'], testTimeout: 120_000 },
      },
    ],
  },
});
