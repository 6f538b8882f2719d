#!/usr/bin/env node
// The way in. Plain JavaScript that every Node since 12.20 can read, because its first task is to tell an
// older Node's user what is missing, where a syntax error would only puzzle them.
import { existsSync } from 'node:fs';

const NODE_MIN = 24;

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
  import(mainModule().href)
    .then((module) => module.main(process.argv.slice(2), process.env))
    .then((exitCode) => {
      process.exitCode = exitCode;
    })
    .catch((error) => {
      process.stderr.write(`${error.stack}\n`);
      process.exitCode = 1;
    });
}
