#!/usr/bin/env node
// The way in. Plain JavaScript that every Node since 12.20 can read, because its first task is to tell an
// older Node's user what is missing, where a syntax error would only puzzle them.
import { existsSync } from 'node:fs';
import module from 'node:module';

const NODE_MIN = 24;
/** What may still hold the process once the command is done: an answer nobody waits for any more. */
const LEFTOVERS_MS = 1_000;

if (Number(process.versions.node.split('.')[0]) < NODE_MIN) {
  process.stderr.write(`Strata needs Node ${NODE_MIN} or newer; this is ${process.versions.node}.\n`);
  process.exitCode = 1;
} else {
  run();
}

/** From a clone Node runs the sources; inside node_modules it does not strip types, and dist is there. */
function mainModule() {
  const source = new URL('../src/main.ts', import.meta.url);
  const installed = source.pathname.includes('/node_modules/') || !existsSync(source);
  return installed ? new URL('../dist/main.js', import.meta.url) : source;
}

function run() {
  keepCompiledCode();
  import(mainModule().href)
    .then((main) => main.main(process.argv.slice(2), process.env))
    .then(endWith, (error) => {
      // Only a program that is not all there gets this far: main tells of everything else itself.
      process.stderr.write(
        `Strata cannot start: ${String(error.message).split('\n')[0]}. Is npm install done?\n`,
      );
      endWith(1);
    });
}

/**
 * The second start need not compile again what the first one did. Kept beside the packages, where whoever could
 * write it could as well change the program; never in a directory that all users of the machine share.
 */
function keepCompiledCode() {
  const packages = new URL(
    import.meta.url.includes('/node_modules/') ? '../../' : '../node_modules/',
    import.meta.url,
  );
  module.enableCompileCache(new URL('.cache/strata', packages).pathname);
}

function endWith(exitCode) {
  process.exitCode = exitCode;
  setTimeout(() => process.exit(), LEFTOVERS_MS).unref();
}
