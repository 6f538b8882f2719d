// Addresses of the files under public/. Each carries a digest of the file, so that browsers may keep it for
// ever and still see a new one at once.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const publicFolder = new URL('../../public/', import.meta.url);

/** Gives the address of a file of public/; reads each file once, at its first use. */
export function createAssetUrls(basePath: string): (file: string) => string {
  const known = new Map<string, string>();

  return (file) => {
    const url = known.get(file) ?? `${basePath}/${file}?v=${digestOf(file)}`;
    known.set(file, url);
    return url;
  };
}

function digestOf(file: string): string {
  const content = readFileSync(new URL(file, publicFolder));
  return createHash('sha256').update(content).digest('hex').slice(0, 12);
}
