// A headless Chromium that comes with npm alone. Its files are packed; they are unpacked once per version to
// node_modules/.cache, in a process of its own because the package unpacks to the temporary directory, and
// moved into place in one step because several test workers start at once.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';

const run = promisify(execFile);
const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));

/** STRATA_CHROMIUM names another browser, for machines that the packed one does not run on. */
export async function launchChromium(): Promise<Browser> {
  const own = process.env.STRATA_CHROMIUM;
  if (own !== undefined && own !== '') return chromium.launch({ executablePath: own });

  const folder = await unpacked();
  const executablePath = join(folder, 'chromium');
  return chromium.launch({ executablePath, args: ['--no-sandbox'], env: await environmentFor(folder) });
}

async function unpacked(): Promise<string> {
  const manifest = JSON.parse(await readFile(join(modules, '@sparticuz/chromium/package.json'), 'utf8'));
  const folder = join(modules, '.cache', `chromium-${manifest.version}`);
  if (existsSync(folder)) return folder;

  await mkdir(join(modules, '.cache'), { recursive: true });
  const unfinished = await mkdtemp(`${folder}-`);
  await unpackTo(unfinished);
  await writeFile(join(unfinished, 'fonts.conf'), fontsConf(folder));
  // Fails where another worker was faster; its folder is as good.
  await rename(unfinished, folder).catch(() => rm(unfinished, { recursive: true }));
  return folder;
}

async function unpackTo(folder: string): Promise<void> {
  const script = `import('@sparticuz/chromium').then(({ default: packed }) => packed.executablePath())`;
  // The package brings the libraries it needs for one platform only, and takes this as its sign.
  const env = { ...process.env, TMPDIR: folder, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' };
  await run(process.execPath, ['--eval', script], { cwd: join(modules, '..'), env });
}

/** The system's fonts and the packed one: with none at all, text has no size and nothing can be clicked. */
function fontsConf(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>${join(folder, 'fonts')}</dir>
  <cachedir>${join(folder, 'fonts-cache')}</cachedir>
</fontconfig>
`;
}

/** The system's own libraries where it has them, else those that came along. */
async function environmentFor(folder: string): Promise<Record<string, string>> {
  const entries = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const env = { ...Object.fromEntries(entries), FONTCONFIG_FILE: join(folder, 'fonts.conf') };
  const runs = await run(join(folder, 'chromium'), ['--version']).then(
    () => true,
    () => false,
  );
  return runs ? env : { ...env, LD_LIBRARY_PATH: join(folder, 'al2023/lib') };
}
