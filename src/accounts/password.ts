// Passwords at rest: Argon2id (RFC 9106) in PHC string format, so that every hash says how it was made and
// the cost can be raised later: the next successful sign-in hashes again. Parsing is strict and bounded, since
// a hash may be imported and its parameters decide how much memory and time a sign-in takes.
import { argon2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { randomToken } from '../core/secrets.ts';

export interface PasswordCost {
  readonly memoryKiB: number;
  readonly passes: number;
  /** Lanes; 1 unless a hash was made elsewhere. */
  readonly lanes?: number;
}

export interface ParsedHash {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

export type PasswordComplaint = 'too_short' | 'too_long' | 'equals_login' | 'not_text';

/** Code points. Beyond that nobody types a password, and hashing it would only cost. */
export const PASSWORD_LENGTH_MAX = 256;

const SALT_BYTES = 16;
const HASH_BYTES = 32;
const MEMORY_KIB_MAX = 1_048_576;
const PASSES_MAX = 64;
const LANES_MAX = 16;
const BYTES_MAX = 64;

const phcShape =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,6}),t=([1-9]\d?),p=([1-9]\d?)\$([A-Za-z0-9+/]{1,128})\$([A-Za-z0-9+/]{1,128})$/;

const derive = promisify(argon2);

export async function hashPassword(password: string, cost: PasswordCost): Promise<string> {
  const salt = Buffer.from(randomToken(SALT_BYTES), 'base64url');
  const shape = { ...cost, lanes: cost.lanes ?? 1, salt };
  return formatHash({ ...shape, hash: await deriveHash(password, shape, HASH_BYTES) });
}

/** Whether the password made this hash. Throws where the hash is none: stored hashes are ours or were checked. */
export async function verifyPassword(password: string, phc: string): Promise<boolean> {
  const stored = parseHash(phc);
  if (!stored) throw new TypeError('a stored password hash is no Argon2id PHC string');

  return timingSafeEqual(await deriveHash(password, stored, stored.hash.length), stored.hash);
}

/** Whether a hash was made with other parameters than those in force. */
export function needsRehash(phc: string, cost: PasswordCost): boolean {
  const stored = parseHash(phc);
  return (
    stored?.memoryKiB !== cost.memoryKiB ||
    stored.passes !== cost.passes ||
    stored.lanes !== (cost.lanes ?? 1)
  );
}

/** The parts of a PHC string; undefined if anything about it is not as `formatHash` would write it. */
export function parseHash(phc: string): ParsedHash | undefined {
  const [, memory, passes, lanes, salt, hash] = phcShape.exec(phc) ?? [];
  if (salt === undefined || hash === undefined) return undefined;

  const parsed: ParsedHash = {
    memoryKiB: Number(memory),
    passes: Number(passes),
    lanes: Number(lanes),
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  };
  // Writing it again shows padding, foreign characters and stray bits at the end of the base64 parts.
  return isWithinBounds(parsed) && formatHash(parsed) === phc ? parsed : undefined;
}

/** A hash of no password, to verify against where there is none: it costs what a real one costs (I10). */
export function dummyHash(cost: PasswordCost): string {
  return formatHash({
    ...cost,
    lanes: cost.lanes ?? 1,
    salt: Buffer.from(randomToken(SALT_BYTES), 'base64url'),
    hash: Buffer.from(randomToken(HASH_BYTES), 'base64url'),
  });
}

/**
 * Why a new password is refused. Length is the one rule (NIST SP 800-63B §3.1.1.2): rules of composition
 * make passwords worse. It may not be a name that the account signs in with.
 */
export function passwordComplaint(
  password: string,
  rules: { readonly lengthMin: number; readonly logins: readonly string[] },
): PasswordComplaint | undefined {
  if (!password.isWellFormed()) return 'not_text';
  const length = [...password].length;
  if (length > PASSWORD_LENGTH_MAX) return 'too_long';
  if (length < rules.lengthMin) return 'too_short';

  const folded = foldCase(password);
  const names = rules.logins.flatMap((login) => [login, login.split('@')[0] ?? login]);
  return names.some((name) => foldCase(name) === folded) ? 'equals_login' : undefined;
}

async function deriveHash(
  password: string,
  shape: Omit<ParsedHash, 'hash'>,
  tagLength: number,
): Promise<Buffer> {
  return derive('argon2id', {
    // Composed and compatibility forms are one password: keyboards differ in which of them they send.
    message: password.normalize('NFKC'),
    nonce: shape.salt,
    parallelism: shape.lanes,
    tagLength,
    memory: shape.memoryKiB,
    passes: shape.passes,
  });
}

function formatHash({ memoryKiB, passes, lanes, salt, hash }: ParsedHash): string {
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${lanes}$${base64(salt)}$${base64(hash)}`;
}

function isWithinBounds({ memoryKiB, passes, lanes, salt, hash }: ParsedHash): boolean {
  const costs =
    memoryKiB <= MEMORY_KIB_MAX && memoryKiB >= 8 * lanes && passes <= PASSES_MAX && lanes <= LANES_MAX;
  return costs && isBetween(salt.length, 8, BYTES_MAX) && isBetween(hash.length, 16, BYTES_MAX);
}

function isBetween(value: number, min: number, max: number): boolean {
  return value >= min && value <= max;
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

function foldCase(text: string): string {
  return text.normalize('NFKC').trim().toLowerCase();
}
