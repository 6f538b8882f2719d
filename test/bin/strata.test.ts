import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const bin = fileURLToPath(new URL('../../bin/strata.js', import.meta.url));

/** Runs the file in a Node that says it is of another version. */
function runAs(version: string): { status: number | null; stdout: string; stderr: string } {
  const script = `Object.defineProperty(process.versions, 'node', { value: '${version}' });
    import(${JSON.stringify(bin)});`;
  return spawnSync(process.execPath, ['-e', script, '--', '--help'], { encoding: 'utf8' });
}

describe('bin/strata.js', () => {
  it.each(['12.22.0', '20.20.2', '23.11.0'])('tells Node %s in one sentence what it needs', (version) => {
    const { status, stdout, stderr } = runAs(version);

    expect(stderr).toBe(`Strata needs Node 24 or newer; this is ${version}.\n`);
    expect(stdout).toBe('');
    expect(status).toBe(1);
  });
});
