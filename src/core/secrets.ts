// The only source of randomness, and the few cryptographic operations that the domain is written with
// (I14). Inputs of hashes and MACs are length-prefixed, so that no two lists of parts ever collide.
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
  randomBytes,
  randomFillSync,
  randomInt,
  timingSafeEqual,
} from 'node:crypto';

const GCM_NONCE_BYTES = 12;
const GCM_TAG_BYTES = 16;
const LENGTH_BYTES = 4;

/** `bytes` random bytes as base64url without padding. */
export function randomToken(bytes: number): string {
  if (bytes > pool.length) return randomBytes(bytes).toString('base64url');
  if (drawn + bytes > pool.length) {
    randomFillSync(pool);
    drawn = 0;
  }
  const token = pool.toString('base64url', drawn, drawn + bytes);
  pool.fill(0, drawn, drawn + bytes);
  drawn += bytes;
  return token;
}

/** Drawn from the system a page at a time, which is ten times cheaper; what was handed out is wiped. */
const pool = Buffer.alloc(4096);
let drawn = pool.length;

export function randomKey(): Buffer {
  return randomBytes(32);
}

/** A string of `length` characters drawn evenly from `alphabet`. */
export function randomCode(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}

/** SHA-256 of the parts, base64url. For values that carry at least 128 random bits; short codes need `mac`. */
export function digest(...parts: readonly string[]): string {
  return hash('sha256', framed(parts), 'base64url');
}

/** HMAC-SHA-256 over the parts, base64url. */
export function mac(key: Uint8Array, ...parts: readonly string[]): string {
  return createHmac('sha256', keyObject(key)).update(framed(parts)).digest('base64url');
}

/** Whether two strings are equal, in time that depends on neither (lengths aside). */
export function equalSecrets(one: string, other: string): boolean {
  const a = Buffer.from(one);
  const b = Buffer.from(other);
  return a.length === b.length && timingSafeEqual(a, b);
}

/** A key of 32 bytes derived for one purpose (HKDF-SHA-256). */
export function deriveKey(secret: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, new Uint8Array(0), `strata ${purpose}`, 32));
}

/** AES-256-GCM; `context` is authenticated with it, so that a sealed value cannot be moved elsewhere. */
export function seal(key: Uint8Array, plain: Uint8Array, context: string): string {
  const nonce = randomBytes(GCM_NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyObject(key), nonce);
  cipher.setAAD(Buffer.from(context));
  const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return sealed.toString('base64url');
}

/** Opens what `seal` made; throws when the key, the context or a single bit is another one. */
export function open(key: Uint8Array, sealed: string, context: string): Buffer {
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', keyObject(key), bytes.subarray(0, GCM_NONCE_BYTES), {
    authTagLength: GCM_TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(bytes.subarray(-GCM_TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(GCM_NONCE_BYTES, -GCM_TAG_BYTES)), decipher.final()]);
}

const keyObjects = new WeakMap<Uint8Array, KeyObject>();

/**
 * Node prepares a key that is given as bytes anew for each operation, which takes several times as long as the
 * MAC itself. The bytes of a key are never changed, so what was prepared is kept for as long as they are.
 */
function keyObject(key: Uint8Array): KeyObject {
  const known = keyObjects.get(key);
  if (known) return known;

  const made = createSecretKey(key);
  keyObjects.set(key, made);
  return made;
}

/** Each part behind its length in bytes. */
function framed(parts: readonly string[]): Buffer {
  const lengths = parts.map((part) => Buffer.byteLength(part));
  const frame = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + length + LENGTH_BYTES, 0));
  let at = 0;
  for (const [index, part] of parts.entries()) {
    at = frame.writeUInt32BE(lengths[index] ?? 0, at);
    at += frame.write(part, at);
  }
  return frame;
}

/** Evenly drawn from [0, 1); for jitter, never for anything that must not be guessed. */
export function randomFraction(): number {
  return randomInt(2 ** 32) / 2 ** 32;
}
