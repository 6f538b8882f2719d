// Addresses of the files under public/. Each carries a digest of the file, so that browsers may keep it for
// ever and still see a new one at once.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const publicFolder = new URL('../../public/', import.meta.url);

/** Gives the address of a file of public/; reads each file once, at its first use. */
export function createAssetUrls(basePath: string): (file: string) => string {
  const versionOf = createAssetVersions();
  return (file) => `${basePath}/${file}?v=${versionOf(file)}`;
}

/** Gives the digest that stands in the address of a file that is there; reads each file once. */
export function createAssetVersions(): (file: string) => string {
  const known = new Map<string, string>();

  return (file) => {
    const version = known.get(file) ?? digestOf(file);
    known.set(file, version);
    return version;
  };
}

function digestOf(file: string): string {
  const content = readFileSync(new URL(file, publicFolder));
  return createHash('sha256').update(content).digest('hex').slice(0, 12);
}
