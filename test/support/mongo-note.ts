// Says before a run of tests that those which need a MongoDB are skipped in it, so that nobody takes them for
// passed.

export function setup(): void {
  process.stdout.write('Skipped here: all tests that need a MongoDB. npm run test:mongodb has them.\n');
}
