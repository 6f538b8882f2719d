// Says before a run of tests that those which need a MongoDB are skipped in it, so that nobody takes them for
// passed.
import { mongoUri } from './mongo.ts';

export function setup(): void {
  if (mongoUri() !== undefined) return;
  process.stdout.write(
    'Skipped: all tests that need a MongoDB, since MONGODB_URI is not set. npm run test:mongodb has them.\n',
  );
}
