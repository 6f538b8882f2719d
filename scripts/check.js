// Everything that can be said about the code without running it: each check is a script of package.json, two
// run at a time, and only those that fail have their say.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const waiting = Object.keys(scripts).filter((name) => name.startsWith('check:'));
const results = [];

/** Runs one check and keeps what it prints. */
function runCheck(name) {
  const startedAt = performance.now();
  const child = spawn('npm', ['run', '--silent', name], { stdio: ['ignore', 'pipe', 'pipe'] });
  const printed = [];
  child.stdout.on('data', (chunk) => printed.push(chunk));
  child.stderr.on('data', (chunk) => printed.push(chunk));

  return new Promise((resolve) => {
    child.on('close', (code) => {
      const seconds = (performance.now() - startedAt) / 1000;
      resolve({ name, passed: code === 0, seconds, printed: Buffer.concat(printed).toString() });
    });
  });
}

async function takeFromQueue() {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const result = await runCheck(name);
    results.push(result);
    if (!result.passed) console.log(`\n--- ${result.name}\n${result.printed}`);
  }
}

await Promise.all([takeFromQueue(), takeFromQueue()]);

for (const { name, passed, seconds } of results) {
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${name.padEnd(18)} ${seconds.toFixed(1)} s`);
}
process.exitCode = results.length > 0 && results.every(({ passed }) => passed) ? 0 : 1;
