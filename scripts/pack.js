// Makes dist/ for the package. Node strips types itself everywhere but inside node_modules, so packing strips
// them beforehand, in place: lines and columns stay, and stack traces point into the sources.
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, resolve } from 'node:path';

/** A relative path to a source file, wherever it stands: import, import() or the URL of a worker. */
const relativeSource = /(['"])(\.{1,2}\/[^'"\n]+)\.ts\1/g;

process.chdir(join(import.meta.dirname, '..'));
rmSync('dist', { recursive: true, force: true });

for (const source of globSync('src/**/*.ts', { exclude: ['**/*.d.ts'] })) {
  const target = source.replace(/^src/, 'dist').replace(/\.ts$/, '.js');
  const code = stripTypeScriptTypes(readFileSync(source, 'utf8'));
  for (const [, , path] of code.matchAll(relativeSource)) {
    if (!existsSync(resolve(dirname(source), `${path}.ts`))) throw new Error(`${source} names ${path}.ts`);
  }

  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, code.replaceAll(relativeSource, '$1$2.js$1'));
}
