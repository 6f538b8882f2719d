// `npm run bench [-- --quick] [--json FILE] [--only WORD] [--profile DIRECTORY]`: what Strata's requests cost
// in CPU time beside those of the bare protocol engine on the same store. docs/performance.md says how to read it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { countOperations } from './count.ts';
import { measure } from './measure.ts';
import { startMeasured } from './measured-server.ts';
import { operations } from './operations.ts';
import { legend, type Result, table } from './report.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    only: { type: 'string' },
    profile: { type: 'string' },
  },
});

const WORKERS = 8;
/** From the start of this process; every operation gets an equal share of what is left. */
const END_MS = options.quick ? 34_000 : 160_000;
const OPERATION_MAX_MS = 15_000;

const chosen = operations.filter(({ name }) => name.includes(options.only ?? ''));
const directory = mkdtempSync(join(tmpdir(), 'strata-bench-'));
const profileInto = options.profile === undefined ? undefined : resolve(options.profile);
if (profileInto !== undefined) mkdirSync(profileInto, { recursive: true });

const counts = {
  strata: await countOperations('strata', chosen),
  bare: await countOperations('bare', chosen),
};
const place = { directory, connectionsMax: WORKERS, profileInto };
const strata = await startMeasured('strata', place);
const bare = await startMeasured('bare', place);

const results: Result[] = [];
for (const [index, operation] of chosen.entries()) {
  const share = (END_MS - performance.now()) / (chosen.length - index);
  const budgetMs = Math.min(share, OPERATION_MAX_MS);
  const figures = await measure(operation, { strata, bare, workers: WORKERS, budgetMs });
  const { name } = operation;
  results.push({ ...figures, counts: { strata: counts.strata.get(name), bare: counts.bare.get(name) } });
  process.stderr.write(`${name}: done\n`);
}
await strata.stop();
await bare.stop();
rmSync(directory, { recursive: true });

process.stdout.write(`${table(results)}\n\n${legend}\n`);
if (options.json !== undefined) {
  const machine = { node: process.version, cores: availableParallelism() };
  writeFileSync(
    options.json,
    `${JSON.stringify({ at: new Date().toISOString(), machine, results }, null, 2)}\n`,
  );
}
