// How two stores are compared without holding either in memory: each record has a fingerprint, fingerprints are
// added up in buckets, and only in buckets whose sums differ single records are looked at. The order in which
// records are added does not matter, so the two may be read in orders of their own.
import { digest } from '../../core/secrets.ts';
import { type Body, bodyOf } from '../body.ts';

const BUCKETS = 16_384;

export interface Fingerprint {
  readonly bucket: number;
  readonly value: bigint;
}

/** Of the id and of what the body says; the order of its keys says nothing. */
export function fingerprint(id: string, body: object): Fingerprint {
  const bytes = Buffer.from(digest(id, canonicalJson(body)), 'base64url');
  return { bucket: bytes.readUInt16BE(0) % BUCKETS, value: bytes.readBigUInt64BE(8) };
}

export class Tally {
  count = 0;
  readonly #sums = new BigUint64Array(BUCKETS);

  add({ bucket, value }: Fingerprint): void {
    this.count += 1;
    this.#sums[bucket] = (this.#sums[bucket] ?? 0n) + value;
  }

  remove({ bucket, value }: Fingerprint): void {
    this.count -= 1;
    this.#sums[bucket] = (this.#sums[bucket] ?? 0n) - value;
  }

  /** The buckets in which the two do not have the same records. */
  differing(other: Tally): ReadonlySet<number> {
    const differing = new Set<number>();
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      if (this.#sums[bucket] !== other.#sums[bucket]) differing.add(bucket);
    }
    return differing;
  }

  /** Equal for equal records. */
  digest(): string {
    return digest(Buffer.from(this.#sums.buffer).toString('latin1'));
  }
}

/** Equal text for bodies that say the same: as JSON would carry them, keys in order. */
export function canonicalJson(body: object): string {
  return JSON.stringify(inOrder(bodyOf(JSON.stringify(body))));
}

function inOrder(value: Body[string]): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;

  // A list of pairs and not an object, in which numeric keys and `__proto__` would have an order of their own.
  const pairs = Object.entries(value).map(([key, inner]) => [key, inOrder(inner)] as const);
  return { fields: pairs.sort(([one], [other]) => (one < other ? -1 : 1)) };
}
