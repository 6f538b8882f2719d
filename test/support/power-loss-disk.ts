// A disk that forgets, as disks do when the power goes: what a file holds is safe once a sync of the file has
// ended, and under which name it is found once a sync of its directory has. What was written since may be
// there or not, sector by sector, since disks write in any order they like.
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import type { DiskEvent } from './power-loss-log.ts';

/** How much of what was never synced is there all the same. */
export interface Luck {
  /** From 0 (nothing) to 1 (all, as when only the process is killed). */
  readonly share: number;
  readonly random: () => number;
}

type Change = { readonly at: number } & (
  | { readonly offset: number; readonly bytes: Buffer }
  | { readonly size: number }
);

type Node = 'directory' | StoredFile;

interface NameChange {
  readonly at: number;
  readonly path: string;
  /** Undefined where the name was removed. */
  readonly node: Node | undefined;
}

/** What disks promise to write as a whole or not at all. */
const SECTOR = 512;

export class SimulatedDisk {
  /** It was there before anything happened. */
  readonly #root: string;
  readonly #names = new Map<string, Node>();
  readonly #safeNames = new Map<string, Node>();
  #unsafeNames: NameChange[] = [];

  constructor(root: string) {
    this.#root = root;
  }

  apply(event: DiskEvent): void {
    const { kind, at } = event;
    if (kind === 'directory') this.#name(event.path, 'directory', at);
    else if (kind === 'file') this.#open(event);
    else if (kind === 'write') this.#fileAt(event.path).change(event);
    else if (kind === 'truncate') this.#fileAt(event.path).change({ at, size: event.size });
    else if (kind === 'unlink') this.#name(event.path, undefined, at);
    else if (kind === 'sync') this.#sync(event);
  }

  /** The files that are there when the power comes back, by path. */
  afterPowerLoss(luck: Luck): Map<string, Buffer> {
    const names = new Map(this.#safeNames);
    for (const change of this.#unsafeNames.slice(0, this.#keptNames(luck))) rename(names, change);

    const files = [...names].filter(([path, node]) => node !== 'directory' && this.#isReached(path, names));
    return new Map(files.map(([path, node]) => [path, (node as StoredFile).afterPowerLoss(luck)]));
  }

  /** File systems keep the order in which names were changed, so a first part of the changes is there. */
  #keptNames({ share, random }: Luck): number {
    if (share === 0 || share === 1) return share * this.#unsafeNames.length;
    return Math.floor(random() * (this.#unsafeNames.length + 1));
  }

  #open({ path, emptied, at }: Extract<DiskEvent, { kind: 'file' }>): void {
    if (!this.#names.has(path)) this.#name(path, new StoredFile(), at);
    if (emptied) this.#fileAt(path).change({ at, size: 0 });
  }

  #name(path: string, node: Node | undefined, at: number): void {
    const change = { at, path, node };
    rename(this.#names, change);
    this.#unsafeNames.push(change);
  }

  #sync({ path, since }: Extract<DiskEvent, { kind: 'sync' }>): void {
    const node = this.#names.get(path);
    if (node instanceof StoredFile) node.sync(since);

    const isSafe = (change: NameChange) => dirname(change.path) === path && change.at < since;
    for (const change of this.#unsafeNames.filter(isSafe)) rename(this.#safeNames, change);
    this.#unsafeNames = this.#unsafeNames.filter((change) => !isSafe(change));
  }

  #fileAt(path: string): StoredFile {
    const node = this.#names.get(path);
    assert(node instanceof StoredFile, `${path} is changed and was never opened`);
    return node;
  }

  /** A file is found only where the directories above it are. */
  #isReached(path: string, names: ReadonlyMap<string, Node>): boolean {
    const above = dirname(path);
    return above === this.#root || (names.get(above) === 'directory' && this.#isReached(above, names));
  }
}

class StoredFile {
  readonly #safe = new Content();
  #unsafe: Change[] = [];

  change(change: Change): void {
    this.#unsafe.push(change);
  }

  sync(since: number): void {
    for (const change of this.#unsafe) if (change.at < since) this.#safe.apply(change);
    this.#unsafe = this.#unsafe.filter((change) => change.at >= since);
  }

  afterPowerLoss({ share, random }: Luck): Buffer {
    const content = this.#safe.copy();
    for (const change of this.#unsafe.flatMap(sectors)) if (random() < share) content.apply(change);
    return content.bytes();
  }
}

/** The bytes of a file, in a buffer that grows ahead of them. */
class Content {
  #buffer = Buffer.alloc(0);
  #size = 0;

  apply(change: Change): void {
    if ('size' in change) {
      this.#resize(change.size);
      return;
    }
    const end = change.offset + change.bytes.length;
    if (end > this.#size) this.#resize(end);
    change.bytes.copy(this.#buffer, change.offset);
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#size);
  }

  copy(): Content {
    const copy = new Content();
    copy.apply({ at: 0, offset: 0, bytes: this.bytes() });
    return copy;
  }

  /** What is gained holds zeros, as a hole in a file does. */
  #resize(size: number): void {
    if (size > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(size, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.#size);
      this.#buffer = larger;
    }
    this.#buffer.fill(0, Math.min(size, this.#size), Math.max(size, this.#size));
    this.#size = size;
  }
}

/** A write as the disk takes it: cut where its sectors end. */
function sectors(change: Change): Change[] {
  if ('size' in change) return [change];

  const { at, offset, bytes } = change;
  const parts: Change[] = [];
  for (let from = offset; from < offset + bytes.length; ) {
    const to = Math.min(offset + bytes.length, (Math.floor(from / SECTOR) + 1) * SECTOR);
    parts.push({ at, offset: from, bytes: bytes.subarray(from - offset, to - offset) });
    from = to;
  }
  return parts;
}

function rename(names: Map<string, Node>, { path, node }: NameChange): void {
  if (node === undefined) names.delete(path);
  else names.set(path, node);
}
