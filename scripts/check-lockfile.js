// package-lock.json must not name where packages were fetched from: that is a matter of each machine's npm
// configuration, and somebody's mirror in the file would be everybody's.
import { readFileSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
const located = Object.entries(packages).filter(
  ([, entry]) => entry.resolved !== undefined && entry.link !== true,
);

for (const [path] of located.slice(0, 10)) console.log(`${path} has a "resolved" address`);
if (located.length > 0) {
  console.log('Run: npm install --omit-lockfile-registry-resolved');
  process.exitCode = 1;
}
