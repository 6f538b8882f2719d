// Who imports whom, by the rules in .dependency-cruiser.cjs. A parser that cannot read a file sees no imports
// in it and finds nothing wrong, so it counts, too, whether every file was seen.
import { globSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cruise } from 'dependency-cruiser';

const { options, ...ruleSet } = createRequire(import.meta.url)('../.dependency-cruiser.cjs');
const { output } = await cruise(['src'], { ...options, ruleSet, validate: true }, { bustTheCache: true });

const seen = output.modules.filter(({ source }) => /^src\/.*\.ts$/.test(source));
const files = globSync('src/**/*.ts');
const imports = seen.flatMap(({ dependencies }) => dependencies);

for (const { rule, from, to } of output.summary.violations) console.log(`${rule.name}: ${from} → ${to}`);
if (seen.length < files.length) console.log(`saw ${seen.length} of ${files.length} files`);
if (imports.length < files.length) console.log(`found ${imports.length} imports in ${files.length} files`);

const complete = files.length > 0 && seen.length >= files.length && imports.length >= files.length;
process.exitCode = complete && output.summary.violations.length === 0 ? 0 : 1;
